// Whose an address is, where something is divided among clients that have shown no key.

/** An IPv4 address, or the first 64 bits of an IPv6 address, which one customer of a provider has alone. `address` is in its canonical form. */
export function networkOf(address: string | null): string {
	if (address === null) return "unknown";
	if (!address.includes(":")) return address;
	const [head = "", tail] = address.split("::", 2);
	const groups = head === "" ? [] : head.split(":");
	// The zeros that :: stands for.
	const last = tail === undefined || tail === "" ? [] : tail.split(":");
	const zeros = tail === undefined ? 0 : 8 - groups.length - last.length;
	return [...groups, ...Array.from({ length: zeros }, () => "0"), ...last].slice(0, 4).join(":");
}
