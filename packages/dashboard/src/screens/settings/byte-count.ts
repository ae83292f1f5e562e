// Sizes as people read them.
const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"] as const;

/** `812 byte`, `2.1 MB`, in the reader's locale. */
export function byteCount(bytes: number): string {
	const power = Math.min(UNITS.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
	const value = bytes / 1_000 ** power;
	const format = new Intl.NumberFormat(undefined, {
		style: "unit",
		unit: UNITS[power] ?? "byte",
		maximumFractionDigits: value < 10 && power > 0 ? 1 : 0,
	});
	return format.format(value);
}
