// Says what happens while `fanfare listen` runs: lines for people, one JSON object a line, or ids.
import type { Relay } from "@fanfare/sdk";

import type { Call } from "../../frame/call.ts";
import { counted } from "../../text/numbers.ts";
import { printable, printableJson } from "../../text/printable.ts";
import { onStderr } from "../../text/style.ts";
import { clockTime, relativeTime } from "../../text/times.ts";
import { hintOf, type Secret } from "../signing/signature.ts";
import { Keys } from "./keys.ts";
import { forwardedObject, Lines } from "./lines.ts";
import { Screen } from "./screen.ts";
import type { Forwarded, Listening } from "./session.ts";
import type { Target } from "./target.ts";

/** What the first lines say. */
export interface About {
	readonly target: Target;
	readonly secret: Secret;
	/** Whether the secret is from a file of the user. */
	readonly isOwnSecret: boolean;
	readonly timeoutMs: number;
	readonly url: string;
}

interface Neighbours {
	readonly quit: (exitCode: number) => void;
	readonly firstReady: (relay: Relay) => void;
	readonly ready: (relay: Relay) => void;
}

/** What became of the relay at the end. */
type Fate = "removed" | "kept" | "unknown";

/** Prints what happens. */
export class Reporter implements Listening {
	readonly #call: Call;
	readonly #about: About;
	readonly #near: Neighbours;
	readonly #screen: Screen;
	readonly #keys: Keys;
	readonly #lines = new Lines();
	readonly #hasKeys: boolean;
	#isFirst = true;
	#device = "";
	#isAway = false;
	#count = 0;
	#failed = 0;

	constructor(call: Call, about: About, near: Neighbours) {
		this.#call = call;
		this.#about = about;
		this.#near = near;
		this.#hasKeys = call.isInteractive && call.output.mode === "people" && process.stdout.isTTY;
		this.#screen = new Screen(this.#hasKeys);
		const { target, secret, timeoutMs } = about;
		const forwarded = (one: Forwarded) => this.forwarded(one);
		this.#keys = new Keys({ screen: this.#screen, target, secret, timeoutMs, forwarded, quit: near.quit });
	}

	/** Whether any answer was given. */
	get hasAnswered(): boolean {
		return this.#count > 0;
	}

	open(): void {
		this.#screen.open((key) => this.#keys.press(key));
	}

	close(): void {
		this.#screen.close();
	}

	ready(relay: Relay): void {
		const isFirst = this.#isFirst;
		this.#isFirst = false;
		this.#device = relay.device;
		this.#near.ready(relay);
		if (isFirst || this.#isAway) {
			this.#object({ kind: "ready", ...this.#relayObject(relay) });
			if (isFirst) this.#introduce(relay);
			else this.#sayToAll("✓", "green", "connected again");
		}
		this.#isAway = false;
		if (isFirst) this.#near.firstReady(relay);
	}

	away(reason: string, wasTaken: boolean): void {
		// Before the first success, the command ends with the error if it does not come.
		if (this.#isAway || this.#isFirst) return;
		this.#isAway = true;
		this.#object({ kind: "away", reason, ...(wasTaken && { wasTaken }) });
		const text = wasTaken
			? `another \`fanfare listen\` took over as ${printable(this.#device)}, and left: this one takes the deliveries again. To run both, name one with --device`
			: `the server is away: deliveries wait there, and the connection is tried again until it is back. ${printable(reason)}`;
		this.#sayToAll("!", "yellow", text);
	}

	waiting(): void {
		const { host } = this.#about.target;
		this.#object({ kind: "waiting", reason: `nothing listens on ${host}` });
		this.#say("!", "yellow", `nothing listens on ${host}: deliveries wait until something does`);
	}

	back(): void {
		this.#object({ kind: "back" });
		this.#say("✓", "green", `${this.#about.target.host} is there`);
	}

	problem(error: unknown): void {
		const reason = error instanceof Error ? error.message : String(error);
		this.#object({ kind: "problem", reason });
		this.#say("!", "yellow", printable(reason));
	}

	/** Events were missed since the listener ended. */
	missed(count: number, sinceDate: number): void {
		if (count === 0) return;
		const minutes = Math.ceil((Date.now() - sinceDate) / 60_000);
		const since = minutes < 120 ? `${minutes}m` : `${Math.ceil(minutes / 60)}h`;
		this.#object({ kind: "missed", count, since: sinceDate });
		const came = `${counted(count, "event")} came since this listener ended ${relativeTime(sinceDate)}`;
		this.#say("·", "dim", `${came}: --since ${since} sends them`);
	}

	async forwarded(one: Forwarded): Promise<void> {
		this.#count++;
		if (one.outcome.kind === "failure" || one.outcome.status >= 300) this.#failed++;
		const { output } = this.#call;
		if (output.mode === "json") return output.data(printableJson(forwardedObject(one)));
		if (output.mode === "quiet") return output.data(one.eventId);
		if (this.#hasKeys) this.#keys.add(one);
		const line = this.#lines.line(one, this.#screen.columns);
		// A reader that is slow slows the deliveries down; a terminal is not one.
		if (process.stdout.isTTY) this.#screen.line(line);
		else await output.data(line);
	}

	/** It takes nothing more, and ends when what is under way is answered. */
	stopping(underWay: number): void {
		this.#object({ kind: "stopping", underWay });
		if (underWay === 0) return;
		const what = counted(underWay, "request is", "requests are");
		this.#say("·", "dim", `${what} under way: it ends when the response is there. Ctrl-C ends it at once`);
	}

	/** The end. */
	left(fate: Fate, waiting: number): void {
		this.#object({ kind: "end", forwarded: this.#count, failed: this.#failed, relay: fate, waiting });
		const texts = {
			removed: "relay removed",
			kept: `relay kept for an hour${waiting === 0 ? "" : `, since ${counted(waiting, "delivery waits", "deliveries wait")} for it`}`,
			unknown: "the server is away: it removes the relay in an hour",
		};
		const failed = this.#failed === 0 ? "" : ` (${this.#failed} failed)`;
		this.#screen.bottom("");
		this.#call.output.note(`${counted(this.#count, "request")} forwarded${failed} · ${texts[fate]}`);
	}

	#introduce({ device, eventTypes, customerId }: Relay): void {
		const { target, secret, isOwnSecret, url } = this.#about;
		const from = isOwnSecret ? "your own" : "the same each time; --print-secret prints it";
		const filter = eventTypes === null ? "all events" : eventTypes.join(", ");
		const customer = customerId === undefined ? "" : ` for ${customerId}`;
		this.#note(`  from     ${printable(url)}, as ${printable(device)}: ${printable(filter + customer)}`);
		this.#note(`  to       ${target.url.href}`);
		this.#note(`  secret   ${hintOf(secret)} (${from})`);
		this.#note(`${onStderr("green", "✓")} Ready.${this.#hasKeys ? " ? shows the keys, q quits." : ""}`);
	}

	#relayObject({ id, webhookId, projectId, device, eventTypes, customerId, secretHint }: Relay): object {
		const { target } = this.#about;
		const customer = customerId === undefined ? {} : { customerId };
		return {
			relayId: id,
			webhookId,
			projectId,
			...customer,
			device,
			eventTypes,
			target: target.url.href,
			secretHint,
		};
	}

	#object(object: object): void {
		if (this.#call.output.mode === "json") process.stdout.write(`${printableJson(object)}\n`);
	}

	#say(glyph: string, color: "green" | "yellow" | "dim", text: string): void {
		this.#note(lineNow(onStderr(color, glyph), text));
	}

	/** Also to scripts that take ids, which would otherwise wait for a server that is away. Those that take JSON have an object. */
	#sayToAll(glyph: string, color: "green" | "yellow", text: string): void {
		if (this.#call.output.mode === "quiet") process.stderr.write(`${lineNow(onStderr(color, glyph), text)}\n`);
		else this.#say(glyph, color, text);
	}

	#note(text: string): void {
		if (this.#call.output.mode === "people") this.#screen.line(text, true);
	}
}

function lineNow(glyph: string, text: string): string {
	return `${clockTime(Date.now())}  ${glyph} ${text}`;
}
