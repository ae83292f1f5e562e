// Everything about one delivery: what it is, its attempts and the one to come, why one failed, and its request and answer.
import type { DeliveryDetail, Webhook } from "@fanfare/sdk";
import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import { Problem } from "../../parts/feedback/problem.tsx";
import { CodeShape, FactsShape, ItemsShape, Loading } from "../../parts/feedback/skeletons.tsx";
import { useToast } from "../../parts/feedback/toasts.tsx";
import { Icon } from "../../parts/layout/icon.tsx";
import { copyText } from "../../parts/text/copy-text.ts";
import { CopyButton, Id } from "../../parts/text/copy.tsx";
import { CutId } from "../../parts/text/cut-id.tsx";
import { DeliveryState } from "../../parts/text/state.tsx";
import { ExactTime } from "../../parts/text/time.tsx";
import { useMay, useProject } from "../../session/caller.ts";
import { useShortcuts } from "../../shell/shortcuts/use-shortcuts.ts";
import { useDeliveryChange } from "../deliveries/queries.ts";
import { webhookQuery } from "../webhook/queries.ts";
import { useShowAttempt, type AttemptPlace } from "./attempt-place.tsx";
import { AttemptView } from "./attempt-view.tsx";
import { asCurl, forSupport } from "./copies.ts";
import { bodyQuery, deliveryQuery } from "./queries.ts";
import { Timeline } from "./timeline.tsx";

export function DeliveryPanel(place: AttemptPlace) {
	const { data: delivery, error, refetch } = useQuery(deliveryQuery(useProject(), place.deliveryId));
	if (delivery !== undefined) return <Loaded key={delivery.id} delivery={delivery} place={place} />;
	if (error === null) {
		return (
			<Loading label="the delivery">
				<FactsShape facts={4} hasHead />
				<div className="delivery">
					<ItemsShape items={2} />
					<CodeShape lines={12} />
				</div>
			</Loading>
		);
	}
	return <Problem error={error} what="The delivery could not be loaded" onRetry={refetch} />;
}

interface LoadedProps {
	readonly delivery: DeliveryDetail;
	readonly place: AttemptPlace;
}

function Loaded({ delivery, place }: LoadedProps) {
	const { attempts } = delivery;
	const { attempt: wanted } = place.search;
	const newest = attempts.at(-1);
	const named = attempts.find(({ number }) => String(number) === wanted);
	const shown = named ?? newest;
	// Undefined also if it is deleted.
	const { data: webhook } = useQuery(webhookQuery(useProject(), delivery.webhookId));
	const show = useShowAttempt(place);
	const step = (by: number) => {
		const other = attempts[attempts.findIndex(({ number }) => number === shown?.number) + by];
		if (other !== undefined) show(other === newest ? undefined : String(other.number));
	};
	useShortcuts({ "[": () => step(-1), "]": () => step(1) });
	return (
		<div className="stack">
			<section className="card card-pad stack" aria-label="Delivery">
				<div className="head">
					<DeliveryState status={delivery.status} />
					<strong className="mono cut">{delivery.eventType}</strong>
					<div className="head-rest">
						<Actions delivery={delivery} attempt={shown} />
					</div>
				</div>
				{delivery.reason !== null && <p className="flat sentence">{delivery.reason}</p>}
				<dl className="facts">
					<dt>Webhook</dt>
					<dd>
						{webhook === undefined || isRelay(webhook) ? (
							<>
								{delivery.webhookName !== "" && `${delivery.webhookName} `}
								<Id id={delivery.webhookId} label="Copy the webhook's id" />
							</>
						) : (
							<Link
								className="link"
								to="/$projectId/webhooks/$webhookId"
								params={{ projectId: delivery.projectId, webhookId: webhook.id }}
							>
								{webhook.name}
							</Link>
						)}
					</dd>
					{delivery.customerId !== undefined && (
						<>
							<dt>Customer</dt>
							<dd>
								<Link
									className="link"
									to="/$projectId/customers/$customerId"
									params={{ projectId: delivery.projectId, customerId: delivery.customerId }}
								>
									{delivery.customerId}
								</Link>
							</dd>
						</>
					)}
					<dt>Delivery</dt>
					<dd>
						<Id id={delivery.id} label="Copy the delivery's id" />
					</dd>
					<dt>Event</dt>
					<dd>
						<div className="id-link">
							<Link
								className="link"
								aria-label={delivery.eventId}
								to="/$projectId/events/$eventId"
								params={{ projectId: delivery.projectId, eventId: delivery.eventId }}
							>
								<CutId id={delivery.eventId} />
							</Link>
							<CopyButton text={delivery.eventId} label="Copy the event's id" />
						</div>
						<Link
							className="link"
							to="/$projectId/deliveries"
							params={{ projectId: delivery.projectId }}
							search={{ event: delivery.eventId }}
						>
							all its deliveries
						</Link>
					</dd>
					<dt>Created</dt>
					<dd>
						<ExactTime at={delivery.createDate} />
					</dd>
				</dl>
			</section>
			<div className="delivery">
				<Timeline delivery={delivery} chosen={shown?.number ?? null} place={place} />
				{shown === undefined ? (
					<div className="card card-pad dim">No attempt was made yet.</div>
				) : (
					<div className="stack">
						{wanted !== undefined && named === undefined && (
							<p className="flat dim">Attempt {wanted} is not among those that are shown. This is the newest one.</p>
						)}
						<AttemptView attempt={shown} delivery={delivery} timeoutMs={webhook?.timeoutMs ?? null} />
					</div>
				)}
			</div>
		</div>
	);
}

/** The Inbox, or a program on somebody's machine: it has no screen of its own. */
function isRelay({ endpoint }: Webhook): boolean {
	return endpoint.startsWith("relay:");
}

interface ActionsProps {
	readonly delivery: DeliveryDetail;
	readonly attempt: DeliveryDetail["attempts"][number] | undefined;
}

const CURL = "the request as curl. Receivers refuse its signature after some minutes: fanfare sign makes a new one";

function Actions({ delivery, attempt }: ActionsProps) {
	const project = useProject();
	const toast = useToast();
	const mayWrite = useMay("write");
	const { data: body } = useQuery(bodyQuery(project, delivery.eventId));
	const retry = useDeliveryChange(
		({ deliveries }, id: string) => deliveries.retry(id),
		(_, __, tell) => tell("It is tried again now"),
	);
	const cancel = useDeliveryChange(
		({ deliveries }, id: string) => deliveries.cancel(id),
		(_, __, tell) => tell("Cancelled"),
	);
	const mayRetry = mayWrite && ["Failed", "Cancelled", "Pending"].includes(delivery.status);
	const mayCancel = mayWrite && ["Pending", "Held"].includes(delivery.status);
	const copy = (text: string, what: string) => void copyText(text).then(() => toast(`Copied ${what}`));
	const curl = attempt === undefined || body === undefined ? null : asCurl(attempt, body);
	useShortcuts({
		...(mayRetry && { r: () => retry.mutate(delivery.id) }),
		...(curl !== null && { c: () => copy(curl, CURL) }),
	});
	return (
		<>
			{mayRetry && (
				<Button
					size="xs"
					loading={retry.isPending}
					leftSection={<Icon name="retry" size={14} />}
					onClick={() => retry.mutate(delivery.id)}
				>
					Retry now
				</Button>
			)}
			{mayCancel && (
				<Button size="xs" variant="default" loading={cancel.isPending} onClick={() => cancel.mutate(delivery.id)}>
					Cancel
				</Button>
			)}
			{curl !== null && (
				<Button size="xs" variant="default" onClick={() => copy(curl, CURL)}>
					Copy as curl
				</Button>
			)}
			<Button
				size="xs"
				variant="default"
				onClick={() => copy(forSupport(delivery), "a summary without payload and secrets")}
			>
				Copy for support
			</Button>
			{(retry.isError || cancel.isError) && <Problem error={retry.error ?? cancel.error} />}
		</>
	);
}
