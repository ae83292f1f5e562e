// One sentence about how a webhook is, and what to do about it: a test, and after one that passed a retry of what has failed.
import type { Webhook } from "@fanfare/sdk";
import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";

import { Icon } from "../../parts/layout/icon.tsx";
import { coarseDuration, count, counted, share } from "../../parts/text/format.ts";
import { Time, useNow } from "../../parts/text/time.tsx";
import { useMay, useProject } from "../../session/caller.ts";
import { listOf, useListChange } from "../deliveries/bulk/bulk-changes.ts";
import { MatchingSteps } from "../deliveries/bulk/steps.ts";
import { filterOf } from "../deliveries/queries.ts";
import { diagnoseWebhook } from "../delivery/diagnosis.ts";
import { WebhookTester } from "../webhooks/tester/webhook-tester.tsx";
import { webhookStatsQuery } from "./queries.ts";

export function Condition({ webhook }: { readonly webhook: Webhook }) {
	const project = useProject();
	const mayWrite = useMay("write");
	const { data: stats } = useQuery(webhookStatsQuery(project, webhook.id));
	const search = { status: "Failed", webhook: webhook.id } as const;
	const list = listOf(search);
	const [isUnderWay, changes] = useListChange(project.id, list);
	const { Failed: failed, Held: held, Pending: waiting } = webhook.deliveries;
	const retry = () => {
		const steps = new MatchingSteps(project, "retry", filterOf(search, Date.now()), failed);
		const object = `what has failed to ${webhook.name}`;
		changes.start({ projectId: project.id, action: "retry", list, listName: "", object, steps, onDone: () => {} });
	};
	const [tone, icon] = toneOf(webhook);
	const diagnosis = webhook.status === "Paused" ? null : diagnoseWebhook(webhook);
	return (
		<section className="card card-pad stack tight" aria-label="Condition">
			<div className="bar">
				<span className={`text-${tone}`}>
					<Icon name={icon} />
				</span>
				<p className="flat grow">
					<Sentence webhook={webhook} />
					{held > 0 && ` ${count(held)} held.`}
					{waiting > 0 && ` ${count(waiting)} waiting.`}
					{tone === "good" &&
						stats !== undefined &&
						stats.totals.attempts.succeeded + stats.totals.attempts.failed > 0 && (
							<span className="dim">
								{" "}
								{share(
									stats.totals.attempts.succeeded,
									stats.totals.attempts.succeeded + stats.totals.attempts.failed,
								)}{" "}
								of the attempts of the last 24 hours succeeded.
							</span>
						)}
				</p>
				{failed > 0 && (
					<Link className="link" to="/$projectId/deliveries" params={{ projectId: project.id }} search={search}>
						{count(failed)} failed ›
					</Link>
				)}
				{mayWrite && failed > 0 && (
					<Button
						size="xs"
						variant="default"
						loading={isUnderWay}
						leftSection={<Icon name="retry" size={14} />}
						onClick={retry}
					>
						Retry {count(failed)} failed
					</Button>
				)}
			</div>
			{diagnosis !== null && (
				<p className="flat dim">
					<strong>{diagnosis.title}.</strong> {diagnosis.likely} {diagnosis.cure}
				</p>
			)}
			{mayWrite && (
				<WebhookTester
					webhookId={webhook.id}
					whenPassed={
						failed > 0 && (
							<p className="note warn">
								<span>
									{counted(failed, "delivery has", "deliveries have")} failed before.{" "}
									<Button size="compact-sm" variant="default" loading={isUnderWay} onClick={retry}>
										Retry {failed === 1 ? "it" : `the ${count(failed)}`} now
									</Button>
								</span>
							</p>
						)
					}
				/>
			)}
		</section>
	);
}

function toneOf({ status, health }: Webhook): readonly ["good" | "bad" | "warn", "check" | "alert" | "pause" | "stop"] {
	if (status === "Disabled") return ["bad", "stop"];
	if (status === "Paused") return ["warn", "pause"];
	if (health.failingSince !== null) return [health.state === "Healthy" ? "warn" : "bad", "alert"];
	return ["good", "check"];
}

function Sentence({
	webhook: { status, health, disabledReason, pausedReason },
}: {
	readonly webhook: Webhook;
}): ReactNode {
	const now = useNow(10_000);
	if (status === "Disabled")
		return (
			<>
				Disabled by Fanfare: {disabledReason ?? "no reason was given"}.{" "}
				{health.failingSince !== null && `No attempt has succeeded for ${coarseDuration(now - health.failingSince)}. `}
				Fix the receiver, test it, and resume.
			</>
		);
	if (status === "Paused") {
		return pausedReason === "restored"
			? "Paused by a restore from a backup. Resume it when deliveries may go out."
			: "Paused: its deliveries wait until somebody resumes it.";
	}
	if (health.failingSince === null) return "Working.";
	return (
		<>
			No attempt has succeeded for {coarseDuration(now - health.failingSince)}.{" "}
			{health.exhaustedCount > 0 &&
				`${counted(health.exhaustedCount, "delivery has", "deliveries have")} used up their retries since then. `}
			{health.disableDate !== null && (
				<>
					It is disabled on <Time at={health.disableDate} form="day" /> unless one succeeds.
				</>
			)}
		</>
	);
}
