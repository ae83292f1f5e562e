// One clock for all processes of a machine.

/** Milliseconds on the system's monotonic clock: comparable between processes, unlike `performance.now()`. */
export function nowMs(): number {
	return Number(process.hrtime.bigint()) / 1e6;
}
