// One webhook that needs a person: what is wrong, the likely reason and the cure, and what can be done from here.
import type { Webhook } from "@fanfare/sdk";
import { Button } from "@mantine/core";
import { Link } from "@tanstack/react-router";

import { Icon } from "../../../parts/layout/icon.tsx";
import { coarseDuration, count, counted } from "../../../parts/text/format.ts";
import { Time, useNow } from "../../../parts/text/time.tsx";
import type { Item } from "./items.ts";
import type { Aside } from "./set-aside.ts";

interface AttentionItemProps {
	readonly item: Item;
	/** Present if it was set aside. */
	readonly aside: Aside | null;
	/** Null if there is nothing to retry, or if the key may not. */
	readonly onRetry: (() => void) | null;
	/** Null if it is not off, or if the key may not. */
	readonly onResume: (() => void) | null;
	readonly onAside: () => void;
	readonly onTake: () => void;
}

export function AttentionItem({ item, aside, onRetry, onResume, onAside, onTake }: AttentionItemProps) {
	const { webhook, tone, icon, diagnosis } = item;
	return (
		<li>
			<span className={`text-${tone} attention-mark`}>
				<Icon name={icon} />
			</span>
			<div className="attention-body">
				<p className="flat">
					<Link
						className="row-link"
						from="/$projectId/"
						to="/$projectId/webhooks/$webhookId"
						params={{ webhookId: webhook.id }}
						search={{}}
						data-item={webhook.id}
					>
						{webhook.name}
					</Link>{" "}
					<Sentence webhook={webhook} />
				</p>
				{diagnosis !== null && (
					<p className="flat dim">
						<strong>{diagnosis.title}.</strong> {diagnosis.likely} {diagnosis.cure}
					</p>
				)}
				{aside !== null && (
					<p className="flat dim">
						{aside.until === null ? (
							"Until it changes"
						) : (
							<>
								Until <Time at={aside.until} form="day" />
							</>
						)}
						{aside.note !== "" && `: ${aside.note}`}
					</p>
				)}
			</div>
			<div className="attention-actions above">
				{webhook.deliveries.Failed > 0 && (
					<Link
						className="link"
						from="/$projectId/"
						to="/$projectId/deliveries"
						search={{ status: "Failed", webhook: webhook.id }}
					>
						{count(webhook.deliveries.Failed)} failed ›
					</Link>
				)}
				{onRetry !== null && (
					<Button size="xs" variant="default" leftSection={<Icon name="retry" size={14} />} onClick={onRetry}>
						Retry…
					</Button>
				)}
				{onResume !== null && (
					<Button size="xs" variant="default" leftSection={<Icon name="play" size={14} />} onClick={onResume}>
						Resume…
					</Button>
				)}
				<Button
					size="compact-sm"
					variant="subtle"
					color="gray"
					aria-label={aside === null ? `Set aside ${webhook.name}` : `Bring back ${webhook.name}`}
					onClick={aside === null ? onAside : onTake}
				>
					{aside === null ? "Set aside…" : "Bring back"}
				</Button>
			</div>
		</li>
	);
}

function Sentence({ webhook: { status, health, disabledReason, deliveries } }: { readonly webhook: Webhook }) {
	const now = useNow(30_000);
	const held = counted(deliveries.Held, "delivery is held", "deliveries are held");
	if (status === "Disabled")
		return (
			<>
				is disabled: {disabledReason ?? "no reason was given"}. {held}.
			</>
		);
	if (status === "Paused") return <>is paused: {held} until somebody resumes it.</>;
	if (health.failingSince === null) return <>works again. What has failed meanwhile is not sent by itself.</>;
	return (
		<>
			has had no success for {coarseDuration(now - health.failingSince)}.{" "}
			{health.exhaustedCount > 0 &&
				`${counted(health.exhaustedCount, "delivery has", "deliveries have")} used up their retries since then. `}
			{deliveries.Pending > 0 && `${count(deliveries.Pending)} waiting. `}
			{health.disableDate !== null && (
				<>
					It is disabled on <Time at={health.disableDate} form="day" /> unless one succeeds.
				</>
			)}
		</>
	);
}
