// Clients of the live stream that stop reading, so that the operating system's buffers fill up.
import { eventually } from "@fanfare/testkit/eventually";
import { RawConnection, requestHead } from "@fanfare/testkit/raw-connection";

import type { Round } from "../../round.ts";

/** Connections whose streams have begun and are not read. */
export class UnreadStreams implements Disposable {
	readonly connections: readonly RawConnection[];

	constructor(connections: readonly RawConnection[]) {
		this.connections = connections;
	}

	[Symbol.dispose](): void {
		for (const connection of this.connections) connection[Symbol.dispose]();
	}
}

export async function openUnread(round: Round, count: number): Promise<UnreadStreams> {
	const streams = new UnreadStreams(Array.from({ length: count }, () => openStream(round)));
	for (const connection of streams.connections) {
		await eventually("an unread stream to begin", () => connection.unread.includes("heartbeat"));
		connection.pause();
	}
	return streams;
}

/** Sends the request for a stream of everything. */
export function openStream(round: Round): RawConnection {
	const connection = new RawConnection(round.server.port);
	const path = `/projects/${round.server.projectId}/stream`;
	void connection.write(requestHead("GET", path, { "secret-key": round.adminKey }));
	return connection;
}
