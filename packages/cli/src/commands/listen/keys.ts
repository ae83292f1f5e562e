// The keys of `fanfare listen`: select a request, see its details, send it again, edit it.
import { randomUUID } from "node:crypto";

import { printable } from "../../text/printable.ts";
import { onStderr } from "../../text/style.ts";
import { clockTime } from "../../text/times.ts";
import { signedHeaders, type Secret } from "../signing/signature.ts";
import { edit } from "./editor.ts";
import { forward, type HeaderPairs } from "./forward.ts";
import { detailLines } from "./lines.ts";
import type { Key, Screen } from "./screen.ts";
import { typeOf, type Forwarded } from "./session.ts";
import type { Target } from "./target.ts";

const HELP = "↑ ↓ select · Enter details · r send again · e edit and send · q quit";
const MAX_KEPT = 100;
const MAX_KEPT_BYTES = 32 * 1_024 * 1_024;

interface Neighbours {
	readonly screen: Screen;
	readonly target: Target;
	readonly secret: Secret;
	readonly timeoutMs: number;
	readonly forwarded: (one: Forwarded) => Promise<void>;
	readonly quit: (exitCode: number) => void;
}

/** Remembers the last requests, and does with them what keys say. */
export class Keys {
	readonly #near: Neighbours;
	/** Newest last. */
	#kept: Forwarded[] = [];
	#keptBytes = 0;
	#selected: Forwarded | null = null;
	/** One action at a time: keys that come meanwhile are ignored. */
	#isBusy = false;

	constructor(near: Neighbours) {
		this.#near = near;
	}

	/** Remembers a request, to be selected. */
	add(one: Forwarded): void {
		this.#kept.push(one);
		this.#keptBytes += bytesOf(one);
		while (this.#kept.length > MAX_KEPT || (this.#keptBytes > MAX_KEPT_BYTES && this.#kept.length > 1)) {
			const oldest = this.#kept.shift();
			if (oldest !== undefined) this.#keptBytes -= bytesOf(oldest);
		}
	}

	press({ name, ctrl, text }: Key): void {
		const { screen, quit } = this.#near;
		if (ctrl && name === "c") quit(130);
		else if (text === "q") quit(0);
		else if (name === "up") this.#select(-1);
		else if (name === "down") this.#select(1);
		else if (text === "?") screen.bottom(HELP);
		else if (name === "return" || name === "enter") this.#details();
		else if (text === "r") void this.#act((one) => this.#send(one, "again"));
		else if (text === "e") void this.#act((one) => this.#edit(one));
	}

	#select(step: number): void {
		const { screen } = this.#near;
		if (this.#kept.length === 0) return screen.bottom("Nothing has come yet.");
		const at = this.#selected === null ? this.#kept.length : this.#kept.indexOf(this.#selected);
		// What was selected may be forgotten by now.
		const next = Math.min(this.#kept.length - 1, Math.max(0, at === -1 ? 0 : at + step));
		this.#selected = this.#kept[next] ?? null;
		this.#showSelected();
	}

	#showSelected(): void {
		const one = this.#selected;
		if (one === null) return;
		const { outcome, eventId, eventType, date } = one;
		const result = outcome.kind === "failure" ? outcome.error : outcome.status;
		const what = `› ${clockTime(date)} ${printable(eventType ?? "–")} …${eventId.slice(-4)} ${result}`;
		this.#near.screen.bottom(`${onStderr("inverse", what)}  Enter details · r again · e edit`);
	}

	/** The one that is selected, or else the newest. */
	#chosen(): Forwarded | null {
		return this.#selected ?? this.#kept.at(-1) ?? null;
	}

	#details(): void {
		const one = this.#chosen();
		if (one === null) return this.#near.screen.bottom("Nothing has come yet.");
		for (const line of detailLines(one, this.#near.target)) this.#near.screen.line(line);
	}

	async #act(action: (one: Forwarded) => Promise<void>): Promise<void> {
		const { screen } = this.#near;
		const one = this.#chosen();
		if (one === null) return screen.bottom("Nothing has come yet.");
		if (this.#isBusy) return;
		this.#isBusy = true;
		try {
			await action(one);
		} catch (error) {
			screen.line(`${onStderr("red", "✗")} ${printable(error instanceof Error ? error.message : String(error))}`, true);
		} finally {
			this.#isBusy = false;
		}
	}

	/** From here to the target, with a signature of now. The server's log knows nothing of it. */
	async #send(one: Forwarded, trigger: "again" | "edited"): Promise<void> {
		const { target, timeoutMs, secret, forwarded } = this.#near;
		const { body, eventId } = one;
		const date = Date.now();
		const headers = resigned(one.headers, signedHeaders([secret], eventId, Math.floor(date / 1_000), body));
		const outcome = await forward(target, { headers, body }, timeoutMs);
		await forwarded({ ...one, date, headers, trigger, outcome, accepted: null });
	}

	async #edit(one: Forwarded): Promise<void> {
		const { screen } = this.#near;
		const body = await screen.lend(() => edit(one.body));
		if (body === null) return screen.bottom("Nothing was changed, so nothing was sent.");
		// Another event: a receiver ignores one whose id it has seen.
		const about = { eventId: `evt_${randomUUID()}`, deliveryId: null, eventType: typeOf(body), attemptNumber: 1 };
		await this.#send({ ...one, ...about, body }, "edited");
	}
}

/** The headers with other values for some, in their places. */
function resigned(headers: HeaderPairs, changed: HeaderPairs): HeaderPairs {
	const values = new Map(changed);
	return headers.map(([name, value]) => [name, values.get(name.toLowerCase()) ?? value] as const);
}

function bytesOf({ body, outcome }: Forwarded): number {
	return body.length + (outcome.kind === "response" ? outcome.body.length : 0);
}
