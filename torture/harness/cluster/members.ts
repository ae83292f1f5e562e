// Several processes on the round's database: what faults do to them, and which of their work was cut off by that.
import type { FetchLike } from "@fanfare/sdk";
import type { RunEnd } from "@fanfare/testkit/checks/record";
import { eventually } from "@fanfare/testkit/eventually";
import type { Exit } from "@fanfare/testkit/fanfare-process";
import type { NatsServer } from "@fanfare/testkit/programs/nats";
import { pick, type Random } from "@fanfare/testkit/seeded-random";

import { shardOf } from "../../../packages/server/src/core/cluster/shard.ts";
import { Member } from "./member.ts";
import { OwnerRecord } from "./owner-record.ts";
import { answersCalls, delivers, drawRoles, type Role } from "./roles.ts";
import type { Surroundings } from "./surroundings.ts";

const ALL_SHARDS = 256;

/** What a process had done when something happened to it. */
export interface Mark {
	readonly log: RunEnd["log"];
	/** The number of requests that had come. */
	readonly cameBefore: number;
	readonly at: number;
}

export class Members implements AsyncDisposable {
	readonly all: Member[] = [];
	/** Runs that could not see that their tenure was over: what they had begun may have come later. */
	readonly suspendedRuns = new Set<number>();
	readonly #round: Surroundings;
	readonly #nats: NatsServer | null;
	#record: OwnerRecord | null = null;
	#spawned = 0;
	#runs = 0;
	#turn = 0;

	/** `nats` is the server that all of them use; null for none. It ends with them. */
	constructor(round: Surroundings, nats: NatsServer | null) {
		this.#round = round;
		this.#nats = nats;
	}

	/** Starts the processes. The first one creates the schema; the others start at once. */
	async start(): Promise<void> {
		const [first, ...others] = this.#round.roles ?? drawRoles(this.#round.random("roles"));
		await this.join({ role: first });
		this.#record = await OwnerRecord.begin(this.#round.database);
		await Promise.all(others.map((role) => this.join({ role })));
		// The seed draws among them by their places.
		this.all.sort((one, other) => one.number - other.number);
		await this.shared();
	}

	/** The members that do their work. */
	get serving(): readonly Member[] {
		return this.all.filter(({ isServing }) => isServing);
	}

	/** Those of them that answer calls. */
	get answering(): readonly Member[] {
		return this.serving.filter(({ role }) => answersCalls(role));
	}

	/** Those of them that deliver. */
	get delivering(): readonly Member[] {
		return this.serving.filter(({ role }) => delivers(role));
	}

	/** Throws if the profile has none. */
	get nats(): NatsServer {
		if (this.#nats === null) throw new Error("the round has no NATS");
		return this.#nats;
	}

	get record(): OwnerRecord {
		if (this.#record === null) throw new Error("the record of owners begins with the first process");
		return this.#record;
	}

	/** The process for the next call: each in turn. */
	next(): Member {
		const { answering } = this;
		const member = answering[this.#turn++ % answering.length];
		if (member === undefined) throw new Error("no process answers calls");
		return member;
	}

	/** Leads each try of a call to the next process for calls, whether it lives or not, as the clients of a simple load balancer are led. */
	readonly fetchInTurn: FetchLike = (url, init) => {
		const all = this.all.filter(({ role }) => answersCalls(role));
		const member = all[this.#turn++ % all.length];
		const { pathname, search } = new URL(url);
		return fetch(`${member?.server.url ?? ""}${pathname}${search}`, init);
	};

	/** The run from which a request has come. */
	runOf({ from, at }: { readonly from: string; readonly at: number }): number {
		return this.all.find(({ address }) => address === from)?.runAt(at) ?? -1;
	}

	/** A process that serves: mostly the owner of one of these webhooks. */
	async choose(random: Random, webhookIds: readonly string[]): Promise<Member> {
		const { serving } = this;
		if (random() < 1 / 3) return pick(random, serving);
		return (await this.ownerOf(pick(random, webhookIds))) ?? pick(random, serving);
	}

	async ownerOf(webhookId: string): Promise<Member | null> {
		const [changes, joins] = await Promise.all([this.record.changes(), this.record.joins()]);
		const { owner = null } = changes.findLast(({ shard }) => shard === shardOf(webhookId)) ?? {};
		return this.servingOn(joins.find(({ id }) => id === owner)?.port ?? -1) ?? null;
	}

	/** The member with this port. */
	servingOn(port: number): Member | undefined {
		return this.all.find(({ server }) => server.port === port);
	}

	/** Starts one more process, and waits until it serves. */
	async join({ role = "all", codeDir }: { role?: Role | undefined; codeDir?: string } = {}): Promise<Member> {
		const { database, env } = this.#round;
		const how = { codeDir: codeDir ?? this.#round.codeDir, database, env };
		const member = await Member.spawn({ number: ++this.#spawned, role }, how, this.#nats?.url ?? null);
		this.all.push(member);
		await this.#serve(member);
		return member;
	}

	/** Starts a process that has ended, on the same port, and waits until it serves. */
	async restart(member: Member): Promise<void> {
		await member.server.begin();
		await this.#serve(member);
	}

	/** Waits until a process serves that was started without this. */
	started(member: Member): Promise<void> {
		return this.#serve(member);
	}

	/** Stops a process, and starts it again with other sources. */
	async replace(member: Member, codeDir: string): Promise<void> {
		await this.stop(member);
		member.server.useCode(codeDir);
		await this.restart(member);
	}

	/** Waits until all that deliver own their shares of the shards. */
	async shared(): Promise<void> {
		const share = Math.floor(ALL_SHARDS / this.delivering.length);
		await eventually("each process to own its share", async () => {
			const rows = await this.#round.database.query("SELECT count(owner) AS owned FROM shards GROUP BY owner");
			const counts = rows.map(({ owned }) => Number(owned));
			return counts.length === this.delivering.length && Math.min(...counts) >= share;
		});
	}

	/** Ends processes with SIGKILL. */
	async kill(...members: readonly Member[]): Promise<void> {
		for (const { server } of members) server.kill("SIGKILL");
		await Promise.all(members.map((member) => this.#ended(member)));
		const { log, at, cameBefore } = await this.mark();
		for (const { run } of members) this.#round.ends.push({ how: "killed", log, of: { run, at, cameBefore } });
	}

	/** Ends a process with SIGTERM: what it has begun, it ends. */
	async stop(member: Member): Promise<void> {
		member.isServing = false;
		member.server.kill("SIGTERM");
		const { code, signal } = await this.#ended(member);
		this.#round.expect(code === 0, `SIGTERM ended ${member.name} with ${signal ?? code}`);
		const { log, at, cameBefore } = await this.mark();
		this.#round.ends.push({ how: "stopped", log, of: { run: member.run, at, cameBefore } });
	}

	/** Waits until the database works on nothing for a process any more. */
	async quiet(member: Member): Promise<void> {
		await eventually(`the database to be done with ${member.name}`, async () => {
			return (await this.#sessions(member)).every(({ state }) => state !== "active");
		});
	}

	/** The log and the requests up to now. */
	async mark(): Promise<Mark> {
		const at = Date.now();
		const log = await this.#round.database.readLog(this.#round.neighbours);
		return { log, cameBefore: this.#round.book.seen.length, at };
	}

	/**
	 * Waits until processes that live on after what has happened to them have their shares again. Those that have joined again since the
	 * mark had lost their tenure; of the others nothing may be repeated. With `isSuspended`, the process could not see that its tenure was over.
	 */
	async back(members: readonly Member[], { log, cameBefore, at }: Mark, isSuspended = false): Promise<void> {
		for (const member of members) member.isServing = true;
		await this.shared();
		await Promise.all(members.map((member) => this.#isReady(member)));
		const joins = await this.record.joins();
		for (const member of members) {
			const again = joins.findLast(({ port }) => port === member.server.port);
			if (again === undefined || again.at < at) continue;
			this.#round.ends.push({ how: "lost tenure", log, of: { run: member.run, at, cameBefore } });
			if (isSuspended) this.suspendedRuns.add(member.run);
			this.#beginRun(member, again.at);
		}
	}

	/** Ends all processes with SIGTERM. */
	async stopAll(): Promise<void> {
		const running = this.serving;
		for (const { server } of running) server.kill("SIGTERM");
		for (const member of running) {
			const { code, signal } = await this.#ended(member);
			this.#round.expect(code === 0, `the stop at the end of the round ended ${member.name} with ${signal ?? code}`);
		}
		const { log, at, cameBefore } = await this.mark();
		for (const { run } of running) this.#round.ends.push({ how: "stopped", log, of: { run, at, cameBefore } });
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await Promise.all(this.all.map((member) => member[Symbol.asyncDispose]()));
		await this.#nats?.[Symbol.asyncDispose]();
	}

	async #serve(member: Member): Promise<void> {
		this.#beginRun(member, Date.now());
		await member.server.ready();
		member.isServing = true;
	}

	/** Waits until a process that lives has its tenure, which one without shards may get last. */
	async #isReady({ name, server }: Member): Promise<void> {
		await eventually(`${name} to be ready`, async () => (await server.call("GET", "/readyz")).status === 200);
	}

	#beginRun(member: Member, from: number): void {
		member.runs.push({ run: this.#runs++, from });
	}

	/** Waits until a process has ended, and both the database and the receivers have read everything from it. */
	async #ended(member: Member): Promise<Exit> {
		member.isServing = false;
		const exit = await member.server.exited;
		this.#round.output += member.server.stdout + member.server.stderr;
		await eventually(`the database to close the connections of ${member.name}`, async () => {
			return (await this.#sessions(member)).length === 0;
		});
		await eventually(`the receiver to close the connections of ${member.name}`, () => {
			return this.#round.receiver.openConnectionsFrom(member.address) === 0;
		});
		return exit;
	}

	#sessions({ link }: Member): ReturnType<Surroundings["database"]["query"]> {
		const ports = [...link.ports].join();
		return this.#round.database.query(`SELECT state FROM pg_stat_activity WHERE client_port IN (${ports})`);
	}
}
