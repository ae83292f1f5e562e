// Who did something, and to what: names where the page knows them, ids to copy where it does not.
import type { AuditEntry } from "@fanfare/sdk";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import { CopyButton } from "../../parts/text/copy.tsx";
import { idEnd } from "../../parts/text/format.ts";
import { callerQuery, projectsQuery, useConnection, useProject } from "../../session/caller.ts";
import { useIsWorkspaceAdmin } from "../../session/workspace.ts";
import { keysQuery } from "../keys/queries.ts";
import { useWebhooks } from "../webhooks/queries.ts";

/** What things are called. */
export interface Names {
	/** The names of keys, projects and webhooks. */
	readonly byId: ReadonlyMap<string, string>;
	/** False until they have come, and if they can't be had: a key that is not among them may well be there. */
	readonly hasKeys: boolean;
}

export function useNames(): Names {
	const connection = useConnection();
	// Only such a key may list them. Any other knows itself.
	const mayListKeys = useIsWorkspaceAdmin();
	const { data: keys } = useQuery({ ...keysQuery(connection), enabled: mayListKeys });
	const { data: caller } = useQuery(callerQuery(connection));
	const { data: projects = [] } = useQuery(projectsQuery(connection));
	const { data: webhooks = [] } = useWebhooks();
	const byId = new Map([...(keys ?? []), ...projects, ...webhooks].map(({ id, name }) => [id, name]));
	if (typeof caller?.id === "string" && caller.name !== null) byId.set(caller.id, caller.name);
	return { byId, hasKeys: keys !== undefined };
}

interface NamedProps {
	readonly entry: AuditEntry;
	readonly names: Names;
}

export function Who({ entry: { keyId, actor, customerId, portalSessionId }, names }: NamedProps) {
	const who =
		customerId === undefined
			? keyId === null
				? "The server"
				: (names.byId.get(keyId) ?? `${names.hasKeys ? "a revoked key" : "key"} ${idEnd(keyId)}`)
			: `Customer ${customerId}`;
	const isNameless = customerId === undefined && keyId !== null && !names.byId.has(keyId);
	return (
		<div>
			<div className="cut">
				{actor === null ? who : actor}
				{isNameless && (
					<>
						{" "}
						<CopyButton text={keyId} label="Copy the id of the key" />
					</>
				)}
			</div>
			{(actor !== null || portalSessionId !== undefined) && (
				<div className="cut dim">
					{actor !== null && `by ${who}`}
					{portalSessionId !== undefined && " in the portal"}
				</div>
			)}
		</div>
	);
}

export function What({ entry, names }: NamedProps) {
	const { objectId, projectId, action } = entry;
	const { id: shown } = useProject();
	const name = names.byId.get(objectId);
	const params = { projectId: projectId ?? shown };
	const isGone = /\.deleted?$/.test(action);
	if (/^webhook_[\w-]+$/.test(objectId) && !isGone) {
		return (
			<Link
				className="link"
				to="/$projectId/webhooks/$webhookId"
				params={{ ...params, webhookId: objectId }}
				search={{}}
			>
				{name ?? `webhook ${idEnd(objectId)}`}
			</Link>
		);
	}
	if (/^evt_[\w-]+$/.test(objectId)) {
		return (
			<Link className="link" to="/$projectId/events/$eventId" params={{ ...params, eventId: objectId }}>
				event {idEnd(objectId)}
			</Link>
		);
	}
	if (/^dlv_[\w-]+$/.test(objectId)) {
		return (
			<Link className="link" to="/$projectId/deliveries/$deliveryId" params={{ ...params, deliveryId: objectId }}>
				delivery {idEnd(objectId)}
			</Link>
		);
	}
	if (/^replay_[\w-]+$/.test(objectId)) {
		return (
			<Link className="link" to="/$projectId/replays/$replayId" params={{ ...params, replayId: objectId }}>
				replay {idEnd(objectId)}
			</Link>
		);
	}
	if (action.startsWith("event_type.") && !isGone) {
		return (
			<Link className="link mono" to="/$projectId/event-types/$name" params={{ ...params, name: objectId }}>
				{objectId}
			</Link>
		);
	}
	if (action.startsWith("customer.") && !isGone) {
		return (
			<Link className="link" to="/$projectId/customers/$customerId" params={{ ...params, customerId: objectId }}>
				{objectId}
			</Link>
		);
	}
	if (name !== undefined) return <strong>{name}</strong>;
	const isOpaque = /^[a-z]+_[\w-]{12,}$/.test(objectId);
	return (
		<span className={isOpaque ? "mono" : undefined} title={objectId}>
			{isOpaque ? idEnd(objectId) : objectId} {isOpaque && <CopyButton text={objectId} label="Copy the id" />}
		</span>
	);
}
