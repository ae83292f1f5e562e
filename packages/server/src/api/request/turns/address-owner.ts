// Whom limits by address apply to.

/** Who has an address, as far as limits are concerned: an IPv4 address, or the first 64 bits of an IPv6 address. `address` is in its canonical form; null if it is not known. */
export function addressOwner(address: string | null): string {
	if (address === null) return "unknown";
	if (!address.includes(":")) return address;
	const [head = "", tail] = address.split("::", 2);
	const groups = head === "" ? [] : head.split(":");
	// The zeros that :: stands for.
	const last = tail === undefined || tail === "" ? [] : tail.split(":");
	const zeros = tail === undefined ? 0 : 8 - groups.length - last.length;
	return [...groups, ...Array.from({ length: zeros }, () => "0"), ...last].slice(0, 4).join(":");
}
