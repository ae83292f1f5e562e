// One client of a live stream: reads everything, and checks that it is what has happened, in order, each once.
import type { LiveFilter, LiveItem, LiveSignal } from "../../../packages/server/src/core/live.ts";
import type { LiveSubscription } from "../../../packages/server/src/engine/live-calls.ts";
import type { RunScope } from "../../world/run-scope.ts";
import type { World } from "../../world/world.ts";
import type { ProjectModel } from "../book.ts";
import type { KeyModel } from "../management/key-checks.ts";
import { wants } from "../wants.ts";
import { textsOf, type Fact } from "./live-facts.ts";

/** `next` waits this long at most. */
const HEARTBEAT_MS = 15_000;
const ID = /^([0-9a-f]{16})-(\d+)$/;

/**
 * States: away ──connect──▶ connected ──disconnect, or the stream is ended──▶ away
 *
 * While it is away and its feed is kept, facts are noted: it must be told of them when it is back.
 */
export class LiveClient {
	readonly project: ProjectModel;
	readonly key: KeyModel | null;
	readonly #name: string;
	readonly #filter: LiveFilter;
	readonly #world: World;
	/** Facts that are still to be reported, and such as may be. */
	readonly #required = new Map<string, number>();
	readonly #possible = new Map<string, number>();
	/** Items that were on their way when it connected can come, too. */
	#isLenient = true;
	#stream: LiveSubscription | null = null;
	#lastId: string | null = null;
	/** The generation of the feed that `#lastId` is of. */
	#generation = -1;
	#wasEnded = false;

	constructor(name: string, world: World, project: ProjectModel, filter: LiveFilter, key: KeyModel | null) {
		this.#name = name;
		this.#world = world;
		this.project = project;
		this.#filter = filter;
		this.key = key;
	}

	get filter(): LiveFilter {
		return this.#filter;
	}

	get isConnected(): boolean {
		return this.#stream !== null;
	}

	/** Whether the server has said that the last stream ends. */
	get wasEnded(): boolean {
		return this.#wasEnded;
	}

	get lastId(): string | null {
		return this.#lastId;
	}

	/** `generation` counts the feeds of the project. `left` is called when the client is away again. */
	connect(run: RunScope, stream: LiveSubscription, generation: number, isCalm: boolean, left: () => void): void {
		const mustHaveGap = this.#lastId !== null && this.#generation !== generation;
		this.#stream = stream;
		this.#generation = generation;
		this.#wasEnded = false;
		if (this.#lastId === null || mustHaveGap) this.#forget();
		this.#isLenient ||= !isCalm;
		void this.#read(run, stream, mustHaveGap, left);
	}

	disconnect(): void {
		this.#stream?.close();
		this.#stream = null;
	}

	/** The run has ended, and with it the stream. */
	runEnded(): void {
		this.#stream = null;
	}

	/** Something has happened in some project. */
	happened(fact: Fact): void {
		const isMine = fact.projectId === this.project.id && this.#matches(fact);
		if (!isMine || this.#lastId === null) return;
		add(fact.required ? this.#required : this.#possible, `${fact.kind} ${fact.text}`, 1);
	}

	/** While nothing is under way, everything that has happened was reported. */
	check(): void {
		if (!this.isConnected) return;
		const missing = [...this.#required.keys()];
		if (missing.length > 0) this.#breach(`was not told of ${missing.slice(0, 3).join(", ")} (${missing.length})`);
		this.#forget();
		this.#isLenient = false;
	}

	#forget(): void {
		this.#required.clear();
		this.#possible.clear();
		this.#isLenient = true;
	}

	async #read(run: RunScope, stream: LiveSubscription, mustHaveGap: boolean, left: () => void): Promise<void> {
		for (let isFirst = true; ; isFirst = false) {
			const askedAt = this.#world.clock.monotonicMs();
			const signals = await stream.next();
			if (!run.alive || this.#stream !== stream) return;
			const waitedMs = this.#world.clock.monotonicMs() - askedAt;
			if (waitedMs > HEARTBEAT_MS) this.#breach(`heard nothing for ${waitedMs} ms`);
			if (signals === null) break;
			if (this.#wasEnded) this.#breach("was told something after the end");
			for (const [index, signal] of signals.entries()) this.#take(signal, isFirst && index === 0, mustHaveGap);
		}
		if (!this.#wasEnded) this.#breach("was disconnected without a last signal");
		this.#stream = null;
		left();
	}

	#take(signal: LiveSignal, isFirst: boolean, mustHaveGap: boolean): void {
		this.#world.trace.add("live", `${this.#name} ${signal.type} ${signal.type === "item" ? signal.item.id : ""}`);
		if (isFirst && (signal.type === "gap") !== mustHaveGap && signal.type !== "end") {
			this.#breach(`began with ${signal.type}, and a gap ${mustHaveGap ? "had" : "had not"} to be reported`);
		}
		switch (signal.type) {
			case "item":
				return this.#takeItem(signal.item);
			case "heartbeat":
				return this.#moveTo(signal.id, isFirst);
			case "gap":
				if (!isFirst) this.#breach("was told of a gap in the middle");
				return this.#moveTo(signal.id, true);
			case "dropped":
				return this.#breach("was dropped as too slow");
			case "end":
				this.#wasEnded = true;
		}
	}

	#takeItem(item: LiveItem): void {
		this.#moveTo(item.id, false, true);
		const [text, shorter] = textsOf(item);
		const names = {
			kind: item.kind,
			webhookId: "webhookId" in item ? item.webhookId : null,
			eventType: "eventType" in item ? item.eventType : null,
		};
		if (item.projectId !== this.project.id) this.#breach(`was told of ${text} in another project`);
		if (!this.#matches(names)) this.#breach(`was told of ${item.kind} ${text}, which it did not ask for`);
		const lists = [this.#required, this.#possible];
		const isKnown = [text, shorter].some((one) => lists.some((list) => add(list, `${item.kind} ${one}`, -1)));
		if (!isKnown && !this.#isLenient) this.#breach(`was told of ${item.kind} ${text}, which has not happened`);
	}

	/** Positions ascend. Without a filter, none is left out. */
	#moveTo(id: string, isStart: boolean, isItem = false): void {
		const [, epoch, position] = ID.exec(id) ?? [];
		const [, lastEpoch, lastPosition] = ID.exec(this.#lastId ?? "") ?? [];
		this.#lastId = id;
		if (epoch === undefined) return this.#breach(`got the id ${id}`);
		if (lastEpoch !== undefined && !isStart && epoch !== lastEpoch) this.#breach(`got ${id} without a gap`);
		if (lastEpoch !== epoch) return;
		const step = Number(position) - Number(lastPosition);
		const isWhole = Object.values(this.#filter).every((one) => one === null);
		const isRight = isItem ? step === 1 || (!isWhole && step > 1) : step === 0 || (!isWhole && step > 0);
		if (!isRight && !isStart) this.#breach(`got ${id} after ${lastPosition}`);
	}

	#matches({ kind, webhookId, eventType }: Pick<Fact, "kind" | "webhookId" | "eventType">): boolean {
		const { kinds, webhookId: wanted, eventTypes } = this.#filter;
		return (
			(kinds === null || kinds.includes(kind)) &&
			(wanted === null || wanted === webhookId) &&
			(eventTypes === null || (eventType !== null && wants(eventTypes, eventType)))
		);
	}

	#breach(text: string): void {
		this.#world.breach("live stream", `${this.#name} ${text}`);
	}
}

/** Changes a count. False if there is nothing to take. */
function add(counts: Map<string, number>, key: string, change: 1 | -1): boolean {
	const count = (counts.get(key) ?? 0) + change;
	if (count < 0) return false;
	if (count === 0) counts.delete(key);
	else counts.set(key, count);
	return true;
}
