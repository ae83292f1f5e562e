// Addresses of processes and of the database.

/** As far as they are known. */
export function hostAndPort({
	address,
	port,
}: {
	readonly address: string | null;
	readonly port: number | null;
}): string {
	if (address === null) return port === null ? "" : `port ${port}`;
	const host = address.includes(":") ? `[${address}]` : address;
	return port === null ? host : `${host}:${port}`;
}
