// Who did something, and to what: names where there still are some, ids to copy where there are none.
import type { AuditEntry } from "@fanfare/sdk";
import { Link } from "@tanstack/react-router";

import { CopyButton } from "../../parts/text/copy.tsx";
import { idEnd } from "../../parts/text/format.ts";
import { useProject } from "../../session/caller.ts";

interface NamedProps {
	readonly entry: AuditEntry;
}

export function Who({ entry: { keyId, keyName, actor, customerId, portalSessionId } }: NamedProps) {
	const who =
		customerId === undefined
			? keyId === null
				? "The server"
				: (keyName ?? `a revoked key ${idEnd(keyId)}`)
			: `Customer ${customerId}`;
	const isNameless = customerId === undefined && keyId !== null && keyName === null;
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

export function What({ entry }: NamedProps) {
	const { objectId, objectName, projectId, action } = entry;
	const { id: shown } = useProject();
	const params = { projectId: projectId ?? shown };
	const isGone = /\.deleted?$/.test(action);
	// Names of event types and ids of customers can look like any other id. A customer is paused webhook by webhook.
	const isCustomer = /^customer\.(?!pause$|resume$)/.test(action);
	if (action.startsWith("event_type.") && !isGone) {
		return (
			<Link className="link mono" to="/$projectId/event-types/$name" params={{ ...params, name: objectId }}>
				{objectId}
			</Link>
		);
	}
	if (isCustomer && !isGone) {
		return (
			<Link className="link" to="/$projectId/customers/$customerId" params={{ ...params, customerId: objectId }}>
				{objectId}
			</Link>
		);
	}
	if (isCustomer || action.startsWith("event_type.")) return <span title={objectId}>{objectId}</span>;
	if (/^webhook_[\w-]+$/.test(objectId) && !isGone) {
		return (
			<Link
				className="link"
				to="/$projectId/webhooks/$webhookId"
				params={{ ...params, webhookId: objectId }}
				search={{}}
			>
				{objectName ?? `webhook ${idEnd(objectId)}`}
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
	if (objectName !== null) return <strong title={objectId}>{objectName}</strong>;
	const isOpaque = /^[a-z]+_[\w-]{12,}$/.test(objectId);
	return (
		<span className={isOpaque ? "mono" : undefined} title={objectId}>
			{isOpaque ? idEnd(objectId) : objectId} {isOpaque && <CopyButton text={objectId} label="Copy the id" />}
		</span>
	);
}
