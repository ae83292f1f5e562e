// The Inbox of this tab, which is there from the start: what it receives with comes later, with its screen.
import type { QueryClient } from "@tanstack/react-query";

import type { Connection } from "../../session/connection.ts";
import type { Inbox } from "./inbox.ts";
import { STORED } from "./storage-key.ts";

export class TabInbox {
	readonly #connection: Connection;
	readonly #queryClient: QueryClient;
	#inbox: Inbox | null = null;

	constructor(connection: Connection, queryClient: QueryClient) {
		this.#connection = connection;
		this.#queryClient = queryClient;
		// What it has received is not for somebody else.
		connection.onOther(() => this.endAll());
	}

	/** The same each time. The first time, it is made. */
	get(Kind: new (connection: Connection, queryClient: QueryClient) => Inbox): Inbox {
		this.#inbox ??= new Kind(this.#connection, this.#queryClient);
		return this.#inbox;
	}

	/** Ends all of them, also those that would go on when they are looked at, when somebody has signed out or in with another key. */
	endAll(): void {
		this.#inbox?.endAll();
		for (const key of Object.keys(sessionStorage)) if (key.startsWith(STORED)) sessionStorage.removeItem(key);
	}
}
