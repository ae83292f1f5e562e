// The oldest server that the statements of this adapter can run on.
import { StoreError } from "../../../ports/store/errors.ts";
import { number, text } from "../codec/rows.ts";
import { statement } from "../codec/statements.ts";
import type { Session } from "./session.ts";

const OLDEST = 15;
const SELECT_VERSION = statement(`
	SELECT current_setting('server_version_num')::int / 10000 AS major, current_setting('server_version') AS name
`);

/** Throws a `StoreError` if the server is too old. */
export async function requireServerVersion(session: Session): Promise<void> {
	const [row] = await session.run(SELECT_VERSION);
	if (number(row?.["major"]) >= OLDEST) return;
	const message = `this server is PostgreSQL ${text(row?.["name"])}, and Fanfare needs ${OLDEST} or later: upgrade the server, or name another one in FANFARE_DATABASE_URL`;
	throw new StoreError("store_unavailable", message);
}
