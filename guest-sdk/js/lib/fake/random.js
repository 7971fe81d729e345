export const getRandomBytes = (length) => crypto.getRandomValues(new Uint8Array(length));
