// Conformance checks: whether a webhook's receiver does what receivers must do. They pass through no queue and are in no log.
import { CHECKS_BY_SERVER } from "../../../core/conformance/checks.ts";
import { grade } from "../../../core/conformance/grade.ts";
import { FanfareError } from "../../../core/errors.ts";
import type { ArmedWebhook } from "../../../core/webhook.ts";
import type { EngineParts } from "../../parts.ts";
import type { Conformance, ConformanceAsked } from "../../webhook-test.ts";
import type { EventPayload } from "../event-type-calls.ts";
import type { TriedWebhook } from "./tried-webhook.ts";
import { WebhookProbe } from "./webhook-probe.ts";

type Parts = Pick<EngineParts, "sender" | "clock" | "wall" | "ids" | "chance">;

type Asked = Pick<ConformanceAsked, "checks" | "burst" | "slowMs"> & { readonly sample: EventPayload | null };

/** All projects together, in this process. Each of them may have one, so that eight are needed to leave no room. */
const MAX_UNDER_WAY = 8;
const OWN_SAMPLE: EventPayload = { type: "conform.test", dataJson: "{}" };
const DEFAULT_BURST = 20;
const DEFAULT_SLOW_MS = 5_000;

/** Grades receivers. One check at a time is under way for each project. */
export class Conformer {
	readonly #parts: Parts;
	readonly #userAgent: string;
	/** The projects that have one under way. */
	readonly #underWay = new Set<string>();

	constructor(parts: Parts, userAgent: string) {
		this.#parts = parts;
		this.#userAgent = userAgent;
	}

	/** Makes the checks, those that are named and the basic ones. A receiver that fails is a result, not an error. */
	async conform(webhook: ArmedWebhook, asked: Asked, { latest, begin }: TriedWebhook): Promise<Conformance> {
		const { projectId } = webhook;
		if (this.#underWay.has(projectId)) {
			throw new FanfareError(
				"overloaded",
				"A webhook of this project is being checked already. Try again when that has ended.",
			);
		}
		if (this.#underWay.size >= MAX_UNDER_WAY) {
			throw new FanfareError("overloaded", "Too many webhooks are being checked. Try again in a minute.");
		}
		this.#underWay.add(projectId);
		try {
			await begin();
			const probe = new WebhookProbe(this.#parts, this.#userAgent, { latest, sample: asked.sample ?? OWN_SAMPLE });
			return await run(probe, asked);
		} finally {
			this.#underWay.delete(projectId);
		}
	}
}

async function run(probe: WebhookProbe, { checks, burst, slowMs }: Asked): Promise<Conformance> {
	const wanted = CHECKS_BY_SERVER.filter(
		({ name, isBasic = false }) => checks === null || isBasic || checks.includes(name),
	);
	const context = { probe, burst: burst ?? DEFAULT_BURST, slowMs: slowMs ?? DEFAULT_SLOW_MS };
	const graded = await grade(wanted, { ...context, first: await probe.send() });
	return {
		conforms: graded.every(({ result }) => result === "passed"),
		endedEarly: probe.endedEarly,
		requestCount: probe.count,
		checks: graded,
	};
}
