// An event type whose schema changes, which is archived and deleted while events of it are sent.
import type { ProjectHandle } from "@fanfare/sdk";
import { between, pick, type Random } from "@fanfare/testkit/seeded-random";
import type { Answer } from "@fanfare/testkit/server-process";

import type { Round } from "../../round.ts";
import { rawEvent, sendRaw } from "../raw-sends.ts";
import { now, Timeline } from "./timeline.ts";

/** Which events of the type are accepted: those with this version in their data, or none. */
type Rule = { readonly version: number } | { readonly none: "archived" | "deleted" };

interface Sent {
	readonly version: number;
	readonly from: number;
	readonly to: number;
	readonly status: number;
}

const NONE = ["archived", "deleted"] as const;
/** One change in three stops the type from being accepted. */
const NONE_SHARE = 1 / 3;
const NEWEST_VERSIONS = 3;

export class ChangingType {
	readonly name: string;
	readonly #round: Round;
	readonly #random: Random;
	readonly #timeline = new Timeline<Rule>({ none: "deleted" });
	readonly #sent: Sent[] = [];
	#version = 0;
	/** Changes that were acknowledged, or found to be made after a kill. */
	changeCount = 0;

	constructor(round: Round, name: string) {
		this.#round = round;
		this.name = name;
		this.#random = round.random(name);
	}

	/** Changes the type to a new schema, or so that none of its events is accepted. Rejects if the server ends meanwhile. */
	async change(): Promise<void> {
		const current = this.#timeline.latest;
		const isNone = "version" in current && this.#random() < NONE_SHARE;
		const rule = isNone ? { none: pick(this.#random, NONE) } : { version: ++this.#version };
		this.#timeline.changing(rule);
		const { status, text } = await this.#write(rule);
		this.#timeline.confirmed();
		this.changeCount++;
		this.#round.expect(status === 200, `changing ${this.name} to ${JSON.stringify(rule)} got ${status} ${text}`);
	}

	/** Sends an event with one of the newest versions, and keeps what the server said. */
	async send(version = this.#version - Math.floor(between(this.#random, 0, NEWEST_VERSIONS))): Promise<void> {
		const from = now();
		const { status } = await sendRaw(this.#round, rawEvent(this.#round, this.name, String(version)));
		this.#sent.push({ version, from, to: now(), status });
	}

	/** Sends an event with the newest version, and one with the version before it. */
	async sendBoth(): Promise<void> {
		await this.send(this.#version);
		await this.send(this.#version - 1);
	}

	/** After a kill: finds out whether the last change was made. It must be there completely, with its audit entry, or not at all. */
	async settle(wasAcknowledged: boolean, project: ProjectHandle): Promise<void> {
		const rule = this.#timeline.latest;
		const found = await project.eventTypes.list().then(({ data }) => data.find(({ name }) => name === this.name));
		const isMade = fits(rule, found);
		this.#round.expect(
			isMade || !wasAcknowledged,
			`${this.name} lost the acknowledged change to ${JSON.stringify(rule)}`,
		);
		if (!isMade) this.#timeline.withdrawn();
		else if (!wasAcknowledged) {
			this.#timeline.confirmed();
			this.changeCount++;
		}
		const isKnown = fits(this.#timeline.latest, found);
		this.#round.expect(isKnown, `${this.name} is neither as before nor as after its change: ${JSON.stringify(found)}`);
	}

	/** Checks each response: events that the schema of that moment takes are accepted, all others are refused. */
	verify(): void {
		for (const { version, from, to, status } of this.#sent) {
			const rules = this.#timeline.possible(from, to);
			const accepting = rules.filter((rule) => "version" in rule && rule.version === version);
			const isRight = status === 202 ? accepting.length > 0 : status === 400 && accepting.length < rules.length;
			const text = `${this.name}: an event of version ${version} got ${status} under ${JSON.stringify(rules)}`;
			this.#round.expect(isRight, text);
		}
		const accepted = this.#sent.filter(({ status }) => status === 202).length;
		this.#round.expect(accepted > 0 && accepted < this.#sent.length, `${this.name}: ${accepted} sends were accepted`);
	}

	#write(rule: Rule): Promise<Answer> {
		const path = `/projects/${this.#round.server.projectId}/event-types/${this.name}`;
		const { server } = this.#round;
		if ("version" in rule) return server.call("PUT", path, { schema: schemaOf(rule.version) });
		if (rule.none === "archived") return server.call("PATCH", path, { archived: true });
		return server.call("DELETE", path);
	}
}

function schemaOf(version: number) {
	const properties = { n: { type: "integer" }, more: { const: version } };
	return { type: "object", required: ["n", "more"], properties };
}

function fits(rule: Rule, found: { readonly archived: boolean; readonly schema: unknown } | undefined): boolean {
	if (found === undefined) return "none" in rule && rule.none === "deleted";
	if ("none" in rule) return rule.none === "archived" && found.archived;
	return !found.archived && JSON.stringify(found.schema) === JSON.stringify(schemaOf(rule.version));
}
