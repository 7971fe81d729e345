/** What is wrong with what is built, said so that who builds it can mend it. */
export class Problem extends Error {
  constructor(message, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}
