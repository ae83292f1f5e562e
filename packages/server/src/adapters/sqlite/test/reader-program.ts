// Where the program of such a thread is.
export const READER_PROGRAM = new URL("./reader-thread.ts", import.meta.url);
/** One whose threads start when the test says so, each time by a message on this channel. */
export const PATIENT_READER_PROGRAM = new URL("./patient-reader-thread.ts", import.meta.url);
export const READER_STARTS = "reader-starts";
