// Where the program of such a thread is.
export const READER_PROGRAM = new URL("./reader-thread.ts", import.meta.url);
