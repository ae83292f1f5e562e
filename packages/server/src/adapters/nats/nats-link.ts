// The connection to NATS: kept open, and made again when it is lost or when nothing comes through.
import { connect, credsAuthenticator, type NatsConnection, type Subscription } from "@nats-io/transport-node";

import type { Clock } from "../../core/clock.ts";

const CONNECT_TIMEOUT_MS = 3_000;
const RETRY_MS = 1_000;

export interface LinkOptions {
	/** With user info, if it is needed. */
	readonly servers: readonly string[];
	/** The content of a credentials file; null for none. */
	readonly credentials: string | null;
	/** What NATS shows of the connection. */
	readonly name: string;
}

interface LinkParts {
	readonly clock: Pick<Clock, "after">;
	/** It is connected, or not any more, with the reason. Called for each attempt that fails. */
	readonly changed: (isConnected: boolean, reason: unknown) => void;
	/** The server does not allow something that is needed. */
	readonly refused: (error: Error) => void;
}

/**
 * States: closed ──open──▶ connecting ⇄ connected ──close──▶ closed
 *
 * - connecting: tries the servers, and waits between two tries.
 * - connected: publishes and receives. Left when the connection ends, for whatever reason. What was not sent then is lost.
 */
export class NatsLink {
	readonly #options: LinkOptions;
	readonly #parts: LinkParts;
	#connection: NatsConnection | null = null;
	#isClosed = false;
	#cancelRetry = () => {};
	/** The subjects that are wanted, also by later connections. */
	readonly #subjects = new Map<string, (message: Uint8Array) => void>();
	/** The subscriptions of this connection, by subject. */
	readonly #subscriptions = new Map<string, Subscription>();

	constructor(options: LinkOptions, parts: LinkParts) {
		this.#options = options;
		this.#parts = parts;
	}

	open(): void {
		void this.#connect();
	}

	get isConnected(): boolean {
		return this.#connection !== null;
	}

	/** The server of this connection, with its port; null while there is no connection. */
	get server(): string | null {
		return this.#connection?.getServer() ?? null;
	}

	/** How large a message may be. */
	get maxBytes(): number {
		return this.#connection?.info?.max_payload ?? 0;
	}

	/** Sends a message, if there is a connection. Returns at once, with whether there is one. */
	publish(subject: string, message: Uint8Array): boolean {
		try {
			this.#connection?.publish(subject, message);
			return this.#connection !== null;
		} catch {
			// It is lost, as others may be.
			return false;
		}
	}

	/** Receives what comes on a subject, from now on and over all connections. */
	subscribe(subject: string, receive: (message: Uint8Array) => void): void {
		this.#subjects.set(subject, receive);
		if (this.#connection !== null) this.#subscribe(this.#connection, subject, receive);
	}

	unsubscribe(subject: string): void {
		this.#subjects.delete(subject);
		this.#subscriptions.get(subject)?.unsubscribe();
		this.#subscriptions.delete(subject);
	}

	/** Ends this connection and makes another one. */
	restart(): void {
		void this.#connection?.close().catch(() => {});
	}

	async close(): Promise<void> {
		this.#isClosed = true;
		this.#cancelRetry();
		await this.#connection?.close().catch(() => {});
	}

	async #connect(): Promise<void> {
		let reason: unknown = null;
		try {
			reason = await this.#use(await connect(this.#connectOptions()));
		} catch (error) {
			reason = error;
		}
		if (this.#isClosed) return;
		this.#parts.changed(false, reason);
		this.#cancelRetry = this.#parts.clock.after(RETRY_MS, () => void this.#connect());
	}

	#connectOptions(): Parameters<typeof connect>[0] {
		const { servers, credentials, name } = this.#options;
		const [first] = servers.map((server) => new URL(server));
		const [user, pass] = [decodeURIComponent(first?.username ?? ""), decodeURIComponent(first?.password ?? "")];
		return {
			servers: servers.map((server) => new URL(server).host),
			name,
			timeout: CONNECT_TIMEOUT_MS,
			// Buffers of a lost connection would bring old messages.
			reconnect: false,
			...(first?.protocol === "tls:" && { tls: {} }),
			...(user !== "" && pass !== "" && { user, pass }),
			...(user !== "" && pass === "" && { token: user }),
			...(credentials !== null && { authenticator: credsAuthenticator(Buffer.from(credentials)) }),
		};
	}

	/** Uses a connection until it ends. Returns the reason. */
	async #use(connection: NatsConnection): Promise<unknown> {
		if (this.#isClosed) {
			await connection.close();
			return null;
		}
		this.#connection = connection;
		void this.#watch(connection);
		for (const [subject, receive] of this.#subjects) this.#subscribe(connection, subject, receive);
		this.#parts.changed(true, null);
		const reason = await connection.closed();
		this.#connection = null;
		this.#subscriptions.clear();
		return reason;
	}

	async #watch(connection: NatsConnection): Promise<void> {
		for await (const status of connection.status()) if (status.type === "error") this.#parts.refused(status.error);
	}

	#subscribe(connection: NatsConnection, subject: string, receive: (message: Uint8Array) => void): void {
		const subscription = connection.subscribe(subject, {
			callback: (error, message) => {
				if (error === null) receive(message.data);
				else this.#parts.refused(error);
			},
		});
		this.#subscriptions.set(subject, subscription);
	}
}
