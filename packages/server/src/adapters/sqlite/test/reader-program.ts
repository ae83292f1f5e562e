// The server's program for threads that read, for tests of these threads.
export const READER_PROGRAM = new URL("../../../compose/reading/reader-thread.ts", import.meta.url);
