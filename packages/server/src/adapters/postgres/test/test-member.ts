// Members for tests: several in one process, on one database, each with a clock that the test can stop.
import type { Clock } from "../../../core/clock.ts";
import type { Role } from "../../../ports/membership.ts";
import type { Observer } from "../../../ports/observer.ts";
import type { Place, TenureHolder } from "../../../ports/tenure.ts";
import type { DiscardNote, WireListener } from "../../../ports/wire.ts";
import { Nats } from "../../nats/nats-wire.ts";
import { systemChance } from "../../system/system-chance.ts";
import { systemClock } from "../../system/system-clock.ts";
import { openPostgresCluster, type ClusterOptions, type PostgresCluster } from "../members/cluster.ts";
import { readMigrations } from "../schema/migrate.ts";

/** What members say of how often they look. They do as the engine of a test wants. */
const POLL_MS = 123;
const KNOWN_SCHEMA = readMigrations().length;

/** The system's clock, whose timers do not fire while it is stopped. */
class StoppableClock implements Clock {
	#held = { fromMs: Infinity, toMs: Infinity };
	#waiting: (() => void)[] = [];
	/** The delays of the timers that were asked for. */
	asked: number[] = [];

	now(): number {
		return systemClock.now();
	}

	monotonicMs(): number {
		return systemClock.monotonicMs();
	}

	after(delayMs: number, fire: () => void): () => void {
		this.asked.push(delayMs);
		let isCancelled = false;
		const fireUnlessCancelled = () => {
			if (!isCancelled) fire();
		};
		const cancel = systemClock.after(delayMs, () => {
			const { fromMs, toMs } = this.#held;
			if (delayMs >= fromMs && delayMs <= toMs) this.#waiting.push(fireUnlessCancelled);
			else fire();
		});
		return () => {
			isCancelled = true;
			cancel();
		};
	}

	nextTurn(fire: () => void): void {
		systemClock.nextTurn(fire);
	}

	/** How many timers would have fired since it was stopped. */
	get waiting(): number {
		return this.#waiting.length;
	}

	/** Timers that are at least and at most this long do not fire until `resume`. */
	freeze({ fromMs = 0, toMs = Infinity }: { readonly fromMs?: number; readonly toMs?: number } = {}): void {
		this.#held = { fromMs, toMs };
	}

	resume(): void {
		this.#held = { fromMs: Infinity, toMs: Infinity };
		for (const fire of this.#waiting.splice(0)) fire();
	}
}

export interface TestMember extends PostgresCluster {
	readonly name: string;
	readonly clock: StoppableClock;
	readonly nats: Nats | null;
	/** What was reported. */
	readonly problems: unknown[];
	readonly notes: string[];
}

/** A note for all members. */
export const NOTE: DiscardNote = { kind: "discard many", deliveryIds: ["dlv_1"], eventId: null };

/** The place of a webhook at a member, as the others see it. */
export async function placeOf(member: TestMember): Promise<Place> {
	const found = (await member.members()).find(({ name }) => name === member.name);
	return { member: found?.id ?? "", epoch: 1 };
}

/** Listens to a wire for what a test wants to hear, and to nothing else. */
export function listener(wanted: Partial<WireListener>): WireListener {
	return { handedOver() {}, handOffsMissed() {}, noted() {}, sessionsChanged() {}, ...wanted };
}

/** A holder of shards that never has an attempt under way. */
export function holder(resumed: () => void): TenureHolder {
	return { gained: () => Promise.resolve(), lost() {}, resumed, inFlightOf: () => 0 };
}

function withoutNats(options: ClusterOptions) {
	return { ...openPostgresCluster(options), nats: null };
}

function withNats(options: ClusterOptions & { readonly clock: Clock }, url: string) {
	const { clock, observer, name } = options;
	const nats = new Nats({
		servers: [url],
		credentials: null,
		name,
		prefix: "fanfare",
		masterKey: Buffer.from("the key of the members of a test"),
		clock,
		changed: (isUp) => observer.note(isUp ? "NATS is up" : "NATS is away", {}),
	});
	const messages = () => ({ pollMs: POLL_MS, nats: nats.counts() });
	const cluster = openPostgresCluster({ ...options, signals: nats.signals, messages });
	const wire = nats.wire(cluster.wire, cluster.memberId);
	nats.start();
	const close = async () => {
		await cluster.close();
		await nats.close();
	};
	return { ...cluster, wire, nats, close };
}

/** The members of a test. */
export class TestMembers {
	readonly #opened: TestMember[] = [];
	readonly #timing: Pick<ClusterOptions, "tellMs">;

	constructor(timing: Pick<ClusterOptions, "tellMs"> = {}) {
		this.#timing = timing;
	}

	/** `nats` has the URL of a NATS server that it uses, too. */
	open(url: string, role: Role = "all", nats: string | null = null): TestMember {
		const clock = new StoppableClock();
		const problems: unknown[] = [];
		const notes: string[] = [];
		const observer: Pick<Observer, "problem" | "note"> = {
			problem: (message, error) => problems.push([message, error]),
			note: (message) => notes.push(message),
		};
		const name = `member ${this.#opened.length}`;
		const facts = { name, port: 8_787, version: "1.2.3", role, knownSchema: KNOWN_SCHEMA };
		const messages = () => ({ pollMs: POLL_MS, nats: null });
		const options = { url, clock, chance: systemChance, observer, ...facts, ...this.#timing, messages };
		const member = {
			...(nats === null ? withoutNats(options) : withNats(options, nats)),
			name,
			clock,
			problems,
			notes,
		};
		this.#opened.push(member);
		return member;
	}

	/** Two members that take part, each with its URL, and what the second one is told. */
	async startTold(url: string, other = url): Promise<{ a: TestMember; b: TestMember; noted: unknown[] }> {
		const [a, b] = [this.open(url), this.open(other)];
		await Promise.all([a.tenure.start(), b.tenure.start()]);
		const noted: unknown[] = [];
		b.wire.listen(listener({ noted: (note) => noted.push(note) }));
		return { a, b, noted };
	}

	/** Opens as many members, which take part. */
	async start(count: number, url: string, nats: string | null = null): Promise<TestMember[]> {
		const opened = Array.from({ length: count }, () => this.open(url, "all", nats));
		await Promise.all(opened.map(({ tenure }) => tenure.start()));
		return opened;
	}

	/** Lets all of them leave, and closes them. */
	async close(): Promise<void> {
		await Promise.all(
			this.#opened.splice(0).map(async ({ clock, tenure, close }) => {
				clock.resume();
				await tenure.leave(0);
				await close();
			}),
		);
	}
}
