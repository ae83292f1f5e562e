// A limit for calls of other programs, which could wait forever.

/** The promise's result. Rejects if there is none in time, with `what` in the message. */
export async function within<T>(what: string, ms: number, promise: Promise<T>): Promise<T> {
	const { promise: late, reject } = Promise.withResolvers<never>();
	const timer = setTimeout(() => reject(new Error(`${what} took longer than ${ms / 1_000} s`)), ms);
	try {
		return await Promise.race([promise, late]);
	} finally {
		clearTimeout(timer);
	}
}
