// Where the program of the threads is that read the log of a data directory.

/** Beside this file: TypeScript in the sources, JavaScript in the built package. */
export const READER_PROGRAM = new URL(
	import.meta.url.endsWith(".ts") ? "./reader-thread.ts" : "./reader-thread.js",
	import.meta.url,
);
