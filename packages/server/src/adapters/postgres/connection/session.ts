// A connection while one call of the store has it. Statements are sent at once, without waiting for earlier answers, and are answered
// in order.
import type pg from "pg";

import { parameter } from "../codec/arrays.ts";
import type { Row } from "../codec/rows.ts";
import type { Statement } from "../codec/statements.ts";

export interface Session {
	/** The connection's number among those of this process: connections that were made later have higher ones. */
	readonly connection: number;
	/** Runs a statement that the connection prepares once. Returns its rows. */
	run(statement: Statement, values?: readonly unknown[]): Promise<readonly Row[]>;
	/** Runs such a statement. Returns how many rows it has inserted, changed or deleted. */
	change(statement: Statement, values?: readonly unknown[]): Promise<number>;
	/** Runs a statement whose text depends on its parameters, such as a list's filters: it is not prepared. */
	query(text: string, values?: readonly unknown[]): Promise<readonly Row[]>;
	/** Runs a text of several statements, such as a migration. */
	script(text: string): Promise<void>;
	/** The same for as long as it takes, after the database's own limits are lifted. */
	longScript(text: string): Promise<void>;
}

/** The longest that a timer can be set to. */
const NO_TIMEOUT_MS = 2 ** 31 - 1;

/**
 * What a call need not await, the end of the transaction awaits: `settled`. So a call may send all of its writes and return, and none
 * of their failures is lost.
 */
export class ClientSession implements Session {
	readonly connection: number;
	readonly #client: pg.PoolClient;
	#sent: Promise<unknown>[] = [];
	/** The error of the first statement that has failed; null if none has. Later statements of the transaction fail because of it. */
	failure: unknown = null;

	constructor(client: pg.PoolClient, connection: number) {
		this.#client = client;
		this.connection = connection;
	}

	run({ name, text }: Statement, values: readonly unknown[] = []): Promise<readonly Row[]> {
		return this.#send({ name, text, values: values.map(parameter) }, ({ rows }) => rows);
	}

	change({ name, text }: Statement, values: readonly unknown[] = []): Promise<number> {
		return this.#send({ name, text, values: values.map(parameter) }, ({ rowCount }) => rowCount ?? 0);
	}

	query(text: string, values: readonly unknown[] = []): Promise<readonly Row[]> {
		return this.#send({ text, values: values.map(parameter) }, ({ rows }) => rows);
	}

	script(text: string): Promise<void> {
		return this.#send({ text }, () => {});
	}

	longScript(text: string): Promise<void> {
		// The driver's types lack it.
		const config = { text, query_timeout: NO_TIMEOUT_MS };
		return this.#send(config, () => {});
	}

	/** Sends a command such as BEGIN. Returns the command that the database has carried out: ROLLBACK for the COMMIT of a failed transaction. */
	command(text: string): Promise<string> {
		return this.#send({ text }, ({ command }) => command);
	}

	/** Resolves when everything that was sent is answered. Rejects with the first failure. */
	async settled(): Promise<void> {
		const sent = this.#sent;
		this.#sent = [];
		await Promise.all(sent);
	}

	#send<T>(config: pg.QueryConfig, read: (result: pg.QueryResult<Record<string, unknown>>) => T): Promise<T> {
		const answer = this.#client.query<Record<string, unknown>>(config).then(read);
		// A failure counts where it is awaited. A connection that breaks fails everything that was sent, awaited or not.
		answer.catch((error: unknown) => {
			this.failure ??= error;
		});
		this.#sent.push(answer);
		return answer;
	}
}
