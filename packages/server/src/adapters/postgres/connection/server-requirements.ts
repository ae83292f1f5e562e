// What a server and a database must have so that the statements of this adapter can run on them.
import { StoreError } from "../../../ports/store/errors.ts";
import { number, text, textOrNull } from "../codec/rows.ts";
import { statement } from "../codec/statements.ts";
import type { Session } from "./session.ts";

const OLDEST = 15;
const ENCODING = "UTF8";
const SELECT_SERVER = statement(`
	SELECT current_setting('server_version_num')::int / 10000 AS major, current_setting('server_version') AS name,
		current_setting('search_path') AS search_path, current_schema() AS schema
`);
const SELECT_ENCODING = statement("SELECT current_setting('server_encoding') AS encoding");

/** Throws a `StoreError` if the server is too old, or if the database has no schema for the role. */
export async function requireServer(session: Session): Promise<void> {
	const [row] = await session.run(SELECT_SERVER);
	if (number(row?.["major"]) < OLDEST) {
		throw unfit(
			`this server is PostgreSQL ${text(row?.["name"])}, and Fanfare needs ${OLDEST} or later: upgrade the server, or name another one in FANFARE_DATABASE_URL`,
		);
	}
	if (textOrNull(row?.["schema"]) === null) {
		throw unfit(
			`the search_path of Fanfare's role (${text(row?.["search_path"])}) names no schema that exists and that the role may use: create one for it, and name it in its search_path`,
		);
	}
}

/** Throws a `StoreError` if a database in which nothing is stored yet has an encoding in which not every text can be stored. */
export async function requireEncoding(session: Session): Promise<void> {
	const [row] = await session.run(SELECT_ENCODING);
	const encoding = text(row?.["encoding"]);
	if (encoding === ENCODING) return;
	throw unfit(
		`this database has the encoding ${encoding}, in which not every text can be stored, and Fanfare needs ${ENCODING}: create another database with ENCODING 'UTF8' TEMPLATE template0`,
	);
}

function unfit(message: string): StoreError {
	return new StoreError("store_unavailable", message);
}
