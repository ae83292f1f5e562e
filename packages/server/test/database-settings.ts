// The settings of servers whose data is in a database.

/** Of tests alone. */
export const MASTER_KEY = "0123456789abcdef".repeat(4);
export const ADMIN_KEY = `sk_${"a".repeat(43)}`;

/** What every process of a database needs. */
export function databaseSettings(url: string) {
	return { FANFARE_DATABASE_URL: url, FANFARE_MASTER_KEY: MASTER_KEY, FANFARE_ADMIN_KEY: ADMIN_KEY };
}
