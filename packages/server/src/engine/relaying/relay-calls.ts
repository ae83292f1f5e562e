// Relays as the API knows them: made, listed, changed and deleted with their webhooks; their streams and answers.
import { customerOf, narrowed, projectOf, projectScope, type Scope } from "../../core/access/principal.ts";
import { SerialByKey } from "../../core/concurrency/serial-by-key.ts";
import { FanfareError } from "../../core/errors.ts";
import { attemptOfRequest, relayWebhookId, type Relay, type RelayLimits } from "../../core/receivers/relay.ts";
import type { DirectoryStore } from "../../ports/store/directory.ts";
import { StoreError } from "../../ports/store/errors.ts";
import type { LogStore } from "../../ports/store/log.ts";
import type { RelayStore } from "../../ports/store/relays/relays.ts";
import type { Change } from "../calls.ts";
import type { Directory } from "../directory/directory.ts";
import { publicPart } from "../directory/sealed-webhook.ts";
import type { WebhookCalls } from "../managing/webhook-calls.ts";
import type { PartsOn } from "../parts.ts";
import type {
	NewRelay,
	RelayAnswer,
	RelayClientOptions,
	Relays,
	RelaySettings,
	RelaySubscription,
	ShownRelay,
} from "../relay-calls.ts";
import { checkCurrent } from "../status/current.ts";
import type { RelayHub } from "./relay-hub.ts";
import type { RelayWebhooks } from "./relay-webhooks.ts";

type Parts = Pick<
	PartsOn<RelayStore & Pick<DirectoryStore, "webhookRecords"> & Pick<LogStore, "delivery" | "attempts">>,
	"store" | "clock" | "ids" | "membership"
>;

interface Neighbours {
	readonly directory: Directory;
	readonly hub: RelayHub;
	readonly relayWebhooks: RelayWebhooks;
	readonly webhooks: Pick<WebhookCalls, "get" | "delete">;
}

export interface RelayOptions extends RelayLimits {
	/** Whether there are relays at all. */
	readonly relays: boolean;
}

/** More than a project may have: the limit can be lower than when the relays were made. */
const MAX_LISTED = 1_000;
/** The newest ones of a delivery: a request that is asked about is one of them. */
const MAX_ATTEMPTS = 100;

export class RelayCalls implements Relays {
	readonly #parts: Parts;
	readonly #options: RelayOptions;
	readonly #near: Neighbours;
	readonly #changes = new SerialByKey();

	constructor(parts: Parts, options: RelayOptions, near: Neighbours) {
		this.#parts = parts;
		this.#options = options;
		this.#near = near;
	}

	async put({ scope, audit }: Change, settings: NewRelay, secret: Uint8Array): Promise<ShownRelay> {
		this.#checkOn();
		const { directory, relayWebhooks } = this.#near;
		const projectId = projectOf(scope);
		directory.project(projectId);
		const own = narrowed(scope, settings.customerId);
		const customerId = customerOf(own);
		const { device, mirrorOf, name, timeoutMs } = settings;
		const eventTypes = mirrorOf === null ? settings.eventTypes : await this.#eventTypesOf(own, mirrorOf);
		const wanted = { name, eventTypes, timeoutMs };
		return this.#changes.run(projectId, async () => {
			const alive = await this.#alive(projectScope(projectId));
			const known = alive.find((one) => one.device === device && one.customerId === customerId);
			const change = { scope: own, audit };
			if (known !== undefined) {
				const webhook = await relayWebhooks.update(change, known.webhookId, wanted, secret);
				if (known.mirrorOf !== mirrorOf) await this.#parts.store.putRelay({ ...known, mirrorOf });
				return this.#shown({ ...known, mirrorOf }, webhook);
			}
			this.#checkRoom(alive, customerId);
			const now = this.#parts.clock.now();
			const webhookId = this.#parts.ids.make("webhook", now);
			const relay = { webhookId, projectId, customerId, device, mirrorOf, epoch: 0, seenDate: now };
			let isPut = false;
			// Nothing is written for whoever is refused, so that nobody keeps the disk busy that way.
			const prepare = () => {
				isPut = true;
				return this.#parts.store.putRelay(relay);
			};
			const webhook = await relayWebhooks
				.create(change, webhookId, { ...wanted, customerId }, secret, prepare)
				.catch((error: unknown) => this.#failed(isPut ? webhookId : null, error));
			return this.#shown(relay, webhook);
		});
	}

	async list(scope: Scope): Promise<readonly ShownRelay[]> {
		this.#near.directory.project(projectOf(scope));
		const relays = await this.#alive(scope);
		const ids = relays.map(({ webhookId }) => webhookId);
		const [records, held] = await Promise.all([this.#parts.store.webhookRecords(ids), this.#near.hub.held(ids)]);
		const byId = new Map(records.map((record) => [record.id, publicPart(record)]));
		return relays.flatMap((relay) => {
			const webhook = byId.get(relay.webhookId);
			return webhook === undefined ? [] : [{ ...relay, webhook, connected: held.has(relay.webhookId) }];
		});
	}

	async get(scope: Scope, relayId: string): Promise<ShownRelay> {
		const relay = await this.#find(scope, relayId);
		return this.#shown(relay, await this.#near.webhooks.get(scope, relay.webhookId));
	}

	async update(change: Change, relayId: string, patch: Partial<RelaySettings>): Promise<ShownRelay> {
		const relay = await this.#find(change.scope, relayId);
		return this.#shown(relay, await this.#near.relayWebhooks.update(change, relay.webhookId, patch, null));
	}

	async delete(change: Change, relayId: string): Promise<void> {
		const { webhookId } = await this.#find(change.scope, relayId);
		await this.#near.webhooks.delete(change, webhookId);
		await this.#parts.store.removeRelay(webhookId);
	}

	async open(scope: Scope, relayId: string, client: RelayClientOptions): Promise<RelaySubscription> {
		this.#checkOn();
		const webhookId = this.#webhookIdOf(scope, relayId);
		const opened = await this.#near.hub.open(webhookId, projectOf(scope), client);
		if (opened === null) throw relayNotFound();
		try {
			// It may have been deleted meanwhile, or the client's key. From now on, a deletion ends the stream.
			checkCurrent(this.#parts.membership);
			this.#webhookIdOf(scope, relayId);
		} catch (error) {
			opened.close();
			throw error;
		}
		return opened;
	}

	async answer(scope: Scope, relayId: string, requestId: string, answer: RelayAnswer): Promise<void> {
		const webhookId = this.#webhookIdOf(scope, relayId);
		try {
			await this.#near.hub.answer(webhookId, projectOf(scope), requestId, answer);
		} catch (error) {
			const isLate = error instanceof FanfareError && error.code === "request_not_open";
			if (isLate && (await this.#isAnswered(scope, webhookId, requestId))) return;
			throw error;
		}
	}

	/** Whether the log has an answer to a request: another process may have taken it, or this one before it has started. */
	async #isAnswered(scope: Scope, webhookId: string, requestId: string): Promise<boolean> {
		const { store } = this.#parts;
		const wanted = attemptOfRequest(requestId);
		if (wanted === null) return false;
		const delivery = await store.delivery(scope, wanted.deliveryId);
		if (delivery?.webhookId !== webhookId) return false;
		const { rows } = await store.attempts(scope, wanted.deliveryId, { limit: MAX_ATTEMPTS, cursor: null });
		const attempt = rows.find(({ number }) => number === wanted.number);
		// Also the server itself says of a client that it has not answered.
		return attempt !== undefined && attempt.error !== "timeout";
	}

	/** The relays in a scope whose webhooks are not deleted. */
	async #alive(scope: Scope): Promise<readonly Relay[]> {
		const relays = await this.#parts.store.relays(scope, MAX_LISTED);
		const ids = relays.map(({ webhookId }) => webhookId);
		const alive = new Set(this.#near.directory.webhooksIn(projectOf(scope), ids).map(({ id }) => id));
		return relays.filter(({ webhookId }) => alive.has(webhookId));
	}

	/** The id of the webhook of a relay in a scope. Throws `project_not_found`, `relay_not_found`. */
	#webhookIdOf(scope: Scope, relayId: string): string {
		const webhookId = relayWebhookId(relayId);
		const { directory } = this.#near;
		directory.project(projectOf(scope));
		try {
			directory.webhookIn(scope, webhookId);
		} catch {
			throw relayNotFound();
		}
		return webhookId;
	}

	/**
	 * The webhook of a new relay could not be made. Removes the relay, if it was put (else null), unless there may be a webhook: then the
	 * sweeper looks.
	 */
	async #failed(webhookId: string | null, error: unknown): Promise<never> {
		// Whoever asked is told why it failed, whatever becomes of the relay.
		if (webhookId !== null && isRefusal(error)) await this.#parts.store.removeRelay(webhookId).catch(() => {});
		throw error;
	}

	async #find(scope: Scope, relayId: string): Promise<Relay> {
		const relay = await this.#parts.store.relay(this.#webhookIdOf(scope, relayId));
		if (relay === null) throw relayNotFound();
		return relay;
	}

	/** What a mirrored webhook wants. A relay of a customer can mirror only a webhook of the same one. */
	async #eventTypesOf(scope: Scope, webhookId: string): Promise<readonly string[] | null> {
		return (await this.#near.webhooks.get(scope, webhookId)).eventTypes;
	}

	#checkRoom(alive: readonly Relay[], customerId: string | null): void {
		const { maxRelays, maxRelaysPerCustomer } = this.#options;
		const ofCustomer = alive.filter((relay) => relay.customerId === customerId).length;
		const isFull = customerId !== null && ofCustomer >= maxRelaysPerCustomer;
		if (!isFull && alive.length < maxRelays) return;
		const [whose, max] = isFull ? ["A customer", maxRelaysPerCustomer] : ["A project", maxRelays];
		throw new FanfareError(
			"too_many_relays",
			`${whose} has at most ${max} relays. Delete some; those whose client stays away are deleted after an hour.`,
		);
	}

	async #shown(relay: Relay, webhook: ShownRelay["webhook"]): Promise<ShownRelay> {
		const held = await this.#near.hub.held([relay.webhookId]);
		return { ...relay, webhook, connected: held.has(relay.webhookId) };
	}

	#checkOn(): void {
		if (this.#options.relays) return;
		throw new FanfareError("relays_off", "This server has no relays: its operator has set FANFARE_RELAYS=false.");
	}
}

/** Whether the store has certainly made no change. If it was not available, its answer may be lost. */
function isRefusal(error: unknown): boolean {
	return error instanceof FanfareError || (error instanceof StoreError && error.code !== "store_unavailable");
}

function relayNotFound(): FanfareError {
	return new FanfareError("relay_not_found", "No such relay in this project. Connect again to make it anew.");
}
