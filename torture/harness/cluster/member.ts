// One of several processes on the round's database.
import { freePort, ServerProcess } from "@fanfare/testkit/server-process";
import { NetworkLink } from "@fanfare/testkit/world/network-link";

import type { Role } from "./roles.ts";
import type { Surroundings } from "./surroundings.ts";

const PRELOAD = new URL("source-address-preload.ts", import.meta.url).href;

/** A run of a process, or the part of a run after it has lost its tenure and has become a member again. */
export interface Run {
	/** Counted over all processes, from 0. */
	readonly run: number;
	readonly from: number;
}

export class Member implements AsyncDisposable {
	/** Counted from 1, in the order of their starts. */
	readonly number: number;
	readonly role: Role;
	readonly server: ServerProcess;
	/** To the database. */
	readonly link: NetworkLink;
	readonly #natsLink: NetworkLink | null;
	readonly runs: Run[] = [];
	/** Whether calls are led to it that nobody repeats. */
	isServing = false;

	private constructor(
		{ number, role }: Pick<Member, "number" | "role">,
		server: ServerProcess,
		link: NetworkLink,
		natsLink: NetworkLink | null,
	) {
		this.number = number;
		this.role = role;
		this.server = server;
		this.link = link;
		this.#natsLink = natsLink;
	}

	/** Starts the process. `server.ready()` resolves when it serves. */
	static async spawn(
		who: Pick<Member, "number" | "role">,
		{ codeDir, database, env }: Pick<Surroundings, "codeDir" | "database" | "env">,
		natsUrl: string | null,
	): Promise<Member> {
		const natsLink = natsUrl === null ? null : await NetworkLink.open(natsUrl);
		const link = await NetworkLink.open(database.url);
		const settings = {
			...env,
			FANFARE_DATABASE_URL: link.url,
			TORTURE_SOURCE_ADDRESS: addressOf(who),
			// Older versions may not know it.
			...(who.role !== "all" && { FANFARE_ROLE: who.role }),
			...(natsLink !== null && { FANFARE_NATS_URL: natsLink.url }),
		};
		const server = new ServerProcess({ env: settings, preload: [PRELOAD], codeDir }, await freePort());
		return new Member(who, server, link, natsLink);
	}

	/** Where its requests to receivers come from. */
	get address(): string {
		return addressOf(this);
	}

	/** To NATS. */
	get natsLink(): NetworkLink {
		if (this.#natsLink === null) throw new Error(`${this.name} has no NATS`);
		return this.#natsLink;
	}

	get name(): string {
		return this.role === "all" ? `process ${this.number}` : `process ${this.number} (${this.role})`;
	}

	/** The number of its present run. */
	get run(): number {
		return this.runs.at(-1)?.run ?? -1;
	}

	/** The number of the run to which a moment belongs. */
	runAt(time: number): number {
		return this.runs.findLast(({ from }) => from <= time)?.run ?? -1;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.server.kill("SIGKILL");
		this.server.kill("SIGCONT");
		await this.server[Symbol.asyncDispose]();
		await this.link[Symbol.asyncDispose]();
		await this.#natsLink?.[Symbol.asyncDispose]();
	}
}

function addressOf({ number }: Pick<Member, "number">): string {
	return `127.0.1.${number}`;
}
