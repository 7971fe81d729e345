// Failure bounds, in milliseconds: many instances may start at once on a slow machine.
export const STEP = 30_000;
export const TEST = 90_000;

// What a promise becomes, or an error that says what was waited for in vain.
export async function within(promise, what, milliseconds = STEP) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not after ${milliseconds} ms`)), milliseconds);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
