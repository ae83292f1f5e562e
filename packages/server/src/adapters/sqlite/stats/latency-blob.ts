// A latency histogram as bytes: the first bucket with a count, then the counts from this bucket to the last one with a count, each
// as a varint (7 bits a byte, lowest bits first). About 20 bytes for a usual minute; no bytes for a minute without attempts.

const MORE = 0x80;
const LOW_BITS = 0x7f;

/** Encodes a histogram from `counts` by bucket, all of them above 0. */
export function encodeLatency(counts: ReadonlyMap<number, number>): Uint8Array {
	if (counts.size === 0) return Buffer.alloc(0);
	const first = Math.min(...counts.keys());
	const last = Math.max(...counts.keys());
	const bytes = [first];
	for (let bucket = first; bucket <= last; bucket++) {
		let rest = counts.get(bucket) ?? 0;
		for (; rest > LOW_BITS; rest = Math.floor(rest / MORE)) bytes.push((rest & LOW_BITS) | MORE);
		bytes.push(rest);
	}
	return Buffer.from(bytes);
}

/** Calls `add` for each bucket with a count. */
export function decodeLatency(bytes: Uint8Array, add: (bucket: number, count: number) => void): void {
	let [bucket = 0] = bytes;
	let count = 0;
	let factor = 1;
	for (const byte of bytes.subarray(1)) {
		count += (byte & LOW_BITS) * factor;
		factor *= MORE;
		if ((byte & MORE) !== 0) continue;
		if (count > 0) add(bucket, count);
		bucket++;
		count = 0;
		factor = 1;
	}
}
