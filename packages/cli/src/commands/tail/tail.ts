// `fanfare tail`: events and deliveries as they happen.
import type { StreamItem, StreamKind, StreamMode } from "@fanfare/sdk";
import type { Command } from "commander";

import type { Call, CommonOptions } from "../../frame/call.ts";
import { leaf, option } from "../../frame/command.ts";
import { EXIT, usageError } from "../../frame/failure.ts";
import { webhookIdOf } from "../../frame/named.ts";
import { parseList, parsePositive } from "../../frame/values.ts";
import { printable, printableJson } from "../../text/printable.ts";
import { onStderr } from "../../text/style.ts";
import { clockTime } from "../../text/times.ts";
import { ItemLines } from "./item-lines.ts";

interface Options extends CommonOptions {
	readonly failed?: boolean;
	readonly webhook?: string;
	readonly customer?: string;
	readonly eventTypes?: string[];
	readonly kinds?: string[];
	readonly limit?: number;
	readonly from?: string;
}

const KINDS: readonly StreamKind[] = [
	"event.accepted",
	"attempt.finished",
	"delivery.updated",
	"deliveries.updated",
	"webhook.created",
	"webhook.updated",
	"replay.updated",
];

/** Adds the command to the program. */
export function addTail(program: Command): void {
	leaf<Options>(
		program,
		{
			usage: "tail",
			summary: "Show events and deliveries as they happen.",
			description:
				'It begins now, and runs until Ctrl-C. If the connection is lost, it says so on standard error, tries until the server is back, and goes on at the same place; where items may be missing, it says so. With --json, the first object is {"kind":"ready"}, and the others are the items of the stream.',
			options: [
				option("--failed", "Only attempts and deliveries that failed, and webhooks that were disabled."),
				option("--webhook <webhook>", "Only those to this webhook: its id, key or name."),
				option("--customer <id>", "Only those of this customer."),
				option("--event-types <list>", "Only those of events of these types, such as order.paid,user.*.", parseList),
				option("--kinds <list>", `Only these kinds: ${KINDS.join(", ")}.`, parseList),
				option("--limit <count>", "End after so many items.", parsePositive),
				option("--from <item>", "Go on after this item of an earlier run: its id."),
			],
			examples: ["fanfare tail --failed --webhook billing", "fanfare tail --failed --limit 1 --json"],
		},
		tail,
	);
}

async function tail(call: Call<Options>): Promise<void> {
	const { options } = call;
	const kinds = kindsOf(options);
	const project = await call.project();
	const webhookId = options.webhook === undefined ? undefined : await webhookIdOf(call, project, options.webhook);
	const controller = new AbortController();
	let exitCode = 0;
	for (const [signal, code] of Object.entries({ SIGINT: EXIT.interrupted, SIGTERM: 143 })) {
		process.once(signal, () => {
			exitCode = code;
			controller.abort();
		});
	}
	const { customer: customerId, eventTypes, from: lastEventId, limit = Infinity, failed = false } = options;
	const filter = { kinds, customerId, webhookId, eventTypes, lastEventId };
	const lines = new ItemLines(project);
	const modes = new Modes(call);
	const onMode = (mode: StreamMode) => modes.change(mode);
	try {
		let count = 0;
		for await (const item of project.stream(filter, { signal: controller.signal, onMode })) {
			if ((failed && !isFailure(item)) || isSaid(call, item)) continue;
			await print(call, lines, item);
			if (item.kind !== "gap" && ++count >= limit) break;
		}
	} catch (error) {
		if (!controller.signal.aborted) throw error;
		process.exitCode = exitCode;
	}
}

/** Says how the items come, and when the server is away and back. */
class Modes {
	readonly #call: Call<Options>;
	#isReady = false;
	#isAway = false;

	constructor(call: Call<Options>) {
		this.#call = call;
	}

	change(mode: StreamMode): void {
		const { output, connection } = this.#call;
		if (output.mode === "json" && !this.#isReady) process.stdout.write(`${printableJson({ kind: "ready" })}\n`);
		this.#isReady = true;
		if (mode.mode === "away") {
			const lost = `the connection to ${printable(connection.url)} is lost; it is tried again until it is back.`;
			this.#say(onStderr("yellow", "!"), `${lost} ${printable(mode.reason)}`);
		} else if (this.#isAway) {
			this.#say(onStderr("green", "✓"), "connected again: it goes on at the same place");
		}
		if (mode.mode === "polling") output.note(`Every few seconds: ${printable(mode.reason)}`);
		if (mode.mode === "live" && !this.#isAway) output.note("Live: what happens from now on.");
		this.#isAway = mode.mode === "away";
	}

	/** Also to scripts, which would otherwise wait for a server that is away. */
	#say(glyph: string, text: string): void {
		process.stderr.write(`${clockTime(Date.now())}  ${glyph} ${text}\n`);
	}
}

async function print({ output }: Call<Options>, lines: ItemLines, item: StreamItem): Promise<void> {
	if (output.mode === "json") return output.data(printableJson(item));
	if (output.mode === "quiet") return item.kind === "gap" ? undefined : output.data(idOf(item));
	const line = await lines.line(item);
	if (item.kind === "gap") output.note(line);
	else await output.data(line);
}

/** A delivery that failed, an attempt that failed, a webhook that was disabled, and gaps, in which one may be. */
function isFailure(item: StreamItem): boolean {
	if (item.kind === "attempt.finished") return item.result === "failure";
	if (item.kind === "delivery.updated" || item.kind === "deliveries.updated") return item.status === "Failed";
	if (item.kind === "webhook.updated") return item.status === "Disabled";
	return item.kind === "gap";
}

/** People have seen it: the attempt's line says that the delivery has succeeded. */
function isSaid({ output, options }: Call<Options>, item: StreamItem): boolean {
	const isSuccess = item.kind === "delivery.updated" && item.status === "Succeeded";
	return isSuccess && output.mode === "people" && options.kinds === undefined;
}

function idOf(item: Exclude<StreamItem, { readonly kind: "gap" }>): string {
	if ("deliveryId" in item) return item.deliveryId;
	return "eventId" in item ? item.eventId : item.webhookId;
}

function kindsOf({ kinds }: Options): readonly StreamKind[] | undefined {
	if (kinds === undefined) return undefined;
	const unknown = kinds.find((kind) => !KINDS.some((known) => known === kind));
	if (unknown !== undefined)
		throw usageError(`--kinds must be some of ${KINDS.join(", ")}; got ${JSON.stringify(unknown)}.`);
	return kinds as StreamKind[];
}
