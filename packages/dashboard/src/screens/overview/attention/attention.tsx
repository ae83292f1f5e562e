// What needs a person: webhooks that fail, are disabled or paused, the most urgent first, each with its cure and what to do.
import type { Webhook } from "@fanfare/sdk";
import { Link } from "@tanstack/react-router";
import { useState } from "react";

import { Confirm } from "../../../parts/feedback/confirm.tsx";
import { Icon } from "../../../parts/layout/icon.tsx";
import { counted } from "../../../parts/text/format.ts";
import { useNow } from "../../../parts/text/time.tsx";
import { useMay } from "../../../session/caller.ts";
import { ChangeAll } from "../../deliveries/bulk/change-all.tsx";
import { countedWebhooks, knownCount } from "../../webhooks/found.ts";
import { usePauseOrResume } from "../../webhooks/queries.ts";
import { AttentionItem } from "./attention-item.tsx";
import { itemsOf, type Item } from "./items.ts";
import { SetAsideDialog } from "./set-aside-dialog.tsx";
import { useSetAsides } from "./set-aside.ts";
import { useAttentionKeys } from "./use-attention-keys.ts";

const SHOWN = 8;

/** The webhooks of which the page knows how they are. */
export interface KnownWebhooks {
	readonly webhooks: readonly Webhook[];
	/** How many the project has, or so many and more if it is not whole. */
	readonly count: number;
	readonly isWhole: boolean;
	/** Whether all that fail, are paused or disabled are among them. */
	readonly isTroubleWhole: boolean;
	/** How many deliveries of the project have failed, if some of them can be to webhooks that are not among them; otherwise 0. */
	readonly failedInAll: number;
}

interface AttentionProps {
	readonly projectId: string;
	readonly known: KnownWebhooks;
	/** Whether it says nothing if nothing needs somebody, since nothing has arrived yet. */
	readonly isQuiet: boolean;
}

export function Attention({ projectId, known, isQuiet }: AttentionProps) {
	const { webhooks, isTroubleWhole, failedInAll } = known;
	const mayWrite = useMay("write");
	const now = useNow(30_000);
	const asides = useSetAsides(projectId);
	const [isAsideShown, setAsideShown] = useState(false);
	/** The dialog that is open, and for which webhook. */
	const [dialog, setDialog] = useState<{
		readonly kind: "retry" | "resume" | "aside";
		readonly webhook: Webhook;
	} | null>(null);
	const all = itemsOf(webhooks).map((item) => ({ ...item, aside: asides.of(item.webhook, now) }));
	const items = all.filter(({ aside }) => aside === null);
	const set = all.filter(({ aside }) => aside !== null);
	const open = (kind: "retry" | "aside") => (id: string) => {
		const webhook = all.find((item) => item.webhook.id === id)?.webhook;
		if (webhook !== undefined && (kind === "aside" || isRetried(webhook))) setDialog({ kind, webhook });
	};
	useAttentionKeys({ onRetry: mayWrite ? open("retry") : null, onAside: open("aside") });
	// What is retried at a webhook that is off would only be held.
	const isRetried = ({ deliveries, status }: Webhook) => mayWrite && status === "Enabled" && deliveries.Failed > 0;
	const actions = (webhook: Webhook) => ({
		onRetry: isRetried(webhook) ? () => setDialog({ kind: "retry", webhook }) : null,
		onResume: mayWrite && webhook.status !== "Enabled" ? () => setDialog({ kind: "resume", webhook }) : null,
		onAside: () => setDialog({ kind: "aside", webhook }),
		onTake: () => asides.take(webhook),
	});
	const close = () => setDialog(null);
	const resume = usePauseOrResume(({ id, name }, _, tell) => {
		tell(`Resumed ${name}`);
		// Somebody may have closed it meanwhile, and opened another one.
		setDialog((now) => (now?.kind === "resume" && now.webhook.id === id ? null : now));
	});
	return (
		<>
			{items.length === 0 && !isQuiet && (
				<p className="note good">
					<Icon name="check" />
					<span>{set.length === 0 ? wordsOfNothing(known) : "Nothing needs you. What does was set aside."}</span>
				</p>
			)}
			{items.length > 0 && (
				<section className="card" aria-labelledby="attention">
					<h2 className="card-title card-pad" id="attention">
						Needs attention <span className="dim num">{knownCount(items.length, isTroubleWhole)}</span>
					</h2>
					<ItemList items={items.slice(0, SHOWN)} actions={actions} />
					{items.length > SHOWN && (
						<div className="table-foot">
							<Link className="link" from="/$projectId/" to="/$projectId/webhooks" search={{}}>
								{knownCount(items.length - SHOWN, isTroubleWhole)} more
							</Link>
						</div>
					)}
				</section>
			)}
			{failedInAll > 0 && (
				<p className="flat dim">
					{counted(failedInAll, "delivery has", "deliveries have")} failed in all, perhaps also to webhooks that are
					older or deleted, or to an Inbox.{" "}
					<Link className="link" from="/$projectId/" to="/$projectId/deliveries" search={{ status: "Failed" }}>
						See all that have failed ›
					</Link>
				</p>
			)}
			{set.length > 0 && (
				<details
					className="card card-pad fold"
					open={isAsideShown}
					onToggle={({ currentTarget }) => setAsideShown(currentTarget.open)}
				>
					<summary>
						Set aside <span className="dim num">{set.length}</span>
					</summary>
					<ItemList items={set} actions={actions} />
				</details>
			)}
			{dialog?.kind === "aside" && (
				<SetAsideDialog
					webhook={dialog.webhook}
					onClose={close}
					onSet={(aside) => {
						asides.put(dialog.webhook, aside);
						close();
					}}
				/>
			)}
			{dialog?.kind === "resume" && (
				<Confirm
					isOpen
					title={`Resume ${dialog.webhook.name}?`}
					verb={
						dialog.webhook.deliveries.Held === 0
							? "Resume"
							: `Resume and send ${counted(dialog.webhook.deliveries.Held, "delivery", "deliveries")}`
					}
					isBusy={resume.isPending}
					error={resume.error}
					failed={`${dialog.webhook.name} was not resumed`}
					onConfirm={() => resume.mutateAsync(dialog.webhook)}
					onClose={() => {
						resume.reset();
						close();
					}}
				>
					What is held is sent at once, within the webhook's limits.{" "}
					{dialog.webhook.status === "Disabled" &&
						"It was disabled because its receiver did not work: test it on its own page first if you are not sure."}
				</Confirm>
			)}
			{dialog?.kind === "retry" && (
				<ChangeAll
					action="retry"
					search={{ status: "Failed", webhook: dialog.webhook.id }}
					of={`to ${dialog.webhook.name}`}
					onClose={close}
				>
					{dialog.webhook.health.failingSince !== null && (
						<p className="flat dim">
							Its last attempt failed. If the receiver was not fixed since, these will fail again: test it first.
						</p>
					)}
				</ChangeAll>
			)}
		</>
	);
}

/** That of the webhooks none needs somebody. Of a part of them it is said only what is known. */
function wordsOfNothing({ count, isWhole, failedInAll }: KnownWebhooks): string {
	if (isWhole) {
		const work = count === 1 ? "it works" : "all of them work";
		return `Nothing needs you. ${countedWebhooks(count, true)}, and ${work}.`;
	}
	const webhooks = countedWebhooks(count, false);
	if (failedInAll === 0) return `Nothing needs you. There are ${webhooks}, and all of them work.`;
	return `None of ${webhooks} fails steadily, is paused or is disabled.`;
}

interface ItemListProps {
	readonly items: readonly (Item & Pick<Parameters<typeof AttentionItem>[0], "aside">)[];
	readonly actions: (
		webhook: Webhook,
	) => Pick<Parameters<typeof AttentionItem>[0], "onRetry" | "onResume" | "onAside" | "onTake">;
}

function ItemList({ items, actions }: ItemListProps) {
	return (
		<ul className="attention">
			{items.map(({ aside, ...item }) => (
				<AttentionItem key={item.webhook.id} item={item} aside={aside} {...actions(item.webhook)} />
			))}
		</ul>
	);
}
