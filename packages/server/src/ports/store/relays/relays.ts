// The slice for relays: their rows besides their webhooks.
import type { Scope } from "../../../core/access/principal.ts";
import type { Relay } from "../../../core/receivers/relay.ts";

/**
 * A relay's row is written before its webhook and removed after it. So a row can have no webhook, or a deleted one: the next
 * `putRelay` of its device takes its place, or `goneRelays` finds it.
 */
export interface RelayStore {
	/**
	 * Adds a relay, in place of another of the same project, customer and device. Of a relay that is there already, only
	 * `mirrorOf` changes.
	 */
	putRelay(relay: Relay): Promise<void>;
	/** The relays in a scope, in the order of their devices: at most `limit`. A project's scope has those of its customers, too. */
	relays(scope: Scope, limit: number): Promise<readonly Relay[]>;
	/** The relay of a webhook; null if there is none. */
	relay(webhookId: string): Promise<Relay | null>;
	/** A client has opened the stream of a relay at this time. Returns its new epoch; null if there is no such relay. */
	holdRelay(webhookId: string, at: number): Promise<number | null>;
	/** Clients still had the streams of these relays at this time. Returns those whose epoch is no longer this one. */
	relaysSeen(
		held: readonly { readonly webhookId: string; readonly epoch: number }[],
		at: number,
	): Promise<readonly string[]>;
	/** The relays, at most `limit`, that were last seen before this time; the longest gone first. */
	goneRelays(before: number, limit: number): Promise<readonly Relay[]>;
	/** Removes what is kept of a relay. Its webhook stays. */
	removeRelay(webhookId: string): Promise<void>;
}
