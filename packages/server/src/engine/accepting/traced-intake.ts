// The intake of a server that is asked for traces: each send and each batch has a span, which the attempts of its events continue.
import { wholeProject, type Scope } from "../../core/access/principal.ts";
import { FanfareError } from "../../core/errors.ts";
import type { EventInput } from "../../core/event.ts";
import type { SpanFacts, Tracing } from "../../ports/tracing.ts";
import type { SentEvent } from "../calls.ts";
import type { EngineParts } from "../parts.ts";
import { Intake } from "./intake.ts";

/** The intake; with traces if the parts have them. */
export function openIntake(
	parts: Pick<EngineParts, "tracing"> & ConstructorParameters<typeof Intake>[0],
	limits: ConstructorParameters<typeof Intake>[1],
	near: ConstructorParameters<typeof Intake>[2],
): Intake {
	const { tracing } = parts;
	return tracing === undefined ? new Intake(parts, limits, near) : new TracedIntake(tracing, parts, limits, near);
}

/** Like `Intake`. An event gets the context of the span of its acceptance in place of the one that it came with. */
class TracedIntake extends Intake {
	readonly #tracing: Tracing;

	constructor(tracing: Tracing, ...parts: ConstructorParameters<typeof Intake>) {
		super(...parts);
		this.#tracing = tracing;
	}

	override async send(scope: Scope, input: EventInput): Promise<SentEvent> {
		const traced = (events: readonly EventInput[]) => super.send(scope, events[0] ?? input);
		return this.#trace(scope, [input], traced, ({ event, duplicate }) => ({
			"fanfare.event.id": event.id,
			"fanfare.event.type": event.type,
			"fanfare.event.deliveries": event.deliveryCount,
			"fanfare.event.duplicate": duplicate,
		}));
	}

	override async sendBatch(
		scope: Scope,
		inputs: readonly EventInput[],
	): Promise<readonly (SentEvent | FanfareError)[]> {
		const traced = (events: readonly EventInput[]) => super.sendBatch(scope, events);
		return this.#trace(scope, inputs, traced, (results) => ({
			"fanfare.batch.events": results.length,
			"fanfare.batch.refused": results.filter((result) => result instanceof FanfareError).length,
		}));
	}

	async #trace<T>(
		scope: Scope,
		inputs: readonly EventInput[],
		send: (events: readonly EventInput[]) => Promise<T>,
		factsOf: (result: T) => SpanFacts,
	): Promise<T> {
		const span = this.#tracing.accepting(wholeProject(scope), inputs[0]?.traceparent ?? null);
		const { traceparent } = span;
		try {
			const result = await send(inputs.map((input) => ({ ...input, traceparent })));
			span.end(factsOf(result), null);
			return result;
		} catch (error) {
			span.end({}, error instanceof FanfareError ? error.code : "internal");
			throw error;
		}
	}
}
