// PostgreSQL with a synchronous standby, at an address that always leads to the primary.
import { findPostgresPrograms, HOW_TO_GET_POSTGRES } from "@fanfare/testkit/programs/find-postgres";
import { PostgresCluster, PostgresServer } from "@fanfare/testkit/programs/postgres";

import { Address } from "./address.ts";
import { Part, type PartEvent, type Runnable } from "./part.ts";

/** A commit is answered when the standby has it on its disk, too. */
const SYNCHRONOUS = "synchronous_standby_names=standby";

/** The database. After a promotion, the standby is the primary, and the former primary is gone. */
export class Database implements AsyncDisposable {
	readonly parts: readonly [primary: Part, standby: Part];
	readonly #clusters: readonly [primary: PostgresCluster, standby: PostgresCluster];
	readonly #address: Address;
	#isPromoted = false;

	private constructor(
		clusters: readonly [PostgresCluster, PostgresCluster],
		address: Address,
		told: (part: Part, event: PartEvent) => void,
	) {
		const [primary, standby] = clusters;
		this.#clusters = clusters;
		this.#address = address;
		this.parts = [
			new Part("primary", "PostgreSQL, in which everything is", runnable(primary), told),
			new Part("standby", "PostgreSQL, has each commit before it is answered", runnable(standby), told),
		];
	}

	/** Makes the files of both. Throws if there is no PostgreSQL. */
	static async create(told: (part: Part, event: PartEvent) => void): Promise<Database> {
		const programs = findPostgresPrograms();
		if (programs === null) throw new Error(HOW_TO_GET_POSTGRES);
		const primary = await PostgresCluster.create(programs, { durable: true, settings: [SYNCHRONOUS] });
		// It gets its port, which the standby must know.
		await primary.start();
		await primary.stop();
		const standby = await PostgresCluster.createStandby(primary, { durable: true });
		let leadsTo = (): number | null => null;
		const address = await Address.open(() => leadsTo());
		const database = new Database([primary, standby], address, told);
		leadsTo = () => (database.#isPromoted ? standby : primary).port;
		return database;
	}

	async start(): Promise<void> {
		await Promise.all(this.parts.map((part) => part.start()));
	}

	/** Makes the role and the schema of Fanfare, and returns its URL through the address. */
	async makeUrl(): Promise<string> {
		const url = new URL(await new PostgresServer(this.#clusters[0].url, null).createDatabase());
		url.port = String(this.#address.port);
		return url.href;
	}

	/** Whether the standby has become the primary. */
	get isPromoted(): boolean {
		return this.#isPromoted;
	}

	/** Ends the primary for good, and makes the standby the primary: what a tool such as Patroni does by itself. */
	async promote(): Promise<void> {
		const [primary, standby] = this.#clusters;
		await primary.stop("immediate");
		await this.parts[0].leave();
		await new PostgresServer(standby.url, null).query("SELECT pg_promote()");
		this.#isPromoted = true;
		this.#address.cut();
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#address.close();
		await Promise.all(this.parts.map((part) => part.leave()));
		await Promise.all(this.#clusters.map((cluster) => cluster[Symbol.asyncDispose]()));
	}
}

function runnable(cluster: PostgresCluster): Runnable {
	return {
		get pid() {
			return cluster.pid;
		},
		lastWords: "",
		start: () => cluster.start(),
		stop: () => cluster.stop("immediate"),
	};
}
