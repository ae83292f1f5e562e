// What a webhook has got in the last 24 hours.
import type { Webhook } from "@fanfare/sdk";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";

import { rangeSearch } from "../../app/search.ts";
import { Bars } from "../../parts/chart/bars.tsx";
import { FailureCauses } from "../../parts/chart/failure-causes.tsx";
import { Numbers, Since } from "../../parts/chart/numbers.tsx";
import { Problem } from "../../parts/feedback/problem.tsx";
import { Loading, NumbersShape } from "../../parts/feedback/skeletons.tsx";
import { Table, TableSkeleton } from "../../parts/layout/table.tsx";
import { count, duration, share } from "../../parts/text/format.ts";
import { useProject } from "../../session/caller.ts";
import { deliveryColumns } from "../deliveries/delivery-columns.tsx";
import { deliveriesQuery } from "../deliveries/queries.ts";
import { webhookStatsQuery } from "./queries.ts";

const LATEST = 10;

export function ActivityTab({ webhook }: { readonly webhook: Webhook }) {
	const project = useProject();
	const navigate = useNavigate();
	const { data: stats, error, refetch } = useQuery(webhookStatsQuery(project, webhook.id));
	const latest = useInfiniteQuery({ ...deliveriesQuery(project, { webhook: webhook.id }, LATEST), staleTime: 5_000 });
	const rows = latest.data?.pages[0]?.data ?? [];
	const columns = deliveryColumns({
		projectId: project.id,
		filter: { webhook: webhook.id },
		isOfOneWebhook: true,
	});
	return (
		<div className="stack">
			{error !== null && <Problem error={error} what="The stats could not be loaded" onRetry={refetch} />}
			{stats === undefined && error === null && (
				<Loading label="the stats">
					<NumbersShape count={5} chartPx={150} />
				</Loading>
			)}
			{stats !== undefined && (
				<section className="card card-pad stack" aria-label="Last 24 hours">
					<Numbers
						items={[
							{
								name: "Succeeded, 24 h",
								value: share(stats.totals.succeeded, stats.totals.succeeded + stats.totals.exhausted),
								detail: `${count(stats.totals.succeeded)} of ${count(stats.totals.succeeded + stats.totals.exhausted)}`,
							},
							{
								name: "Exhausted, 24 h",
								value: count(stats.totals.exhausted),
								...(stats.totals.exhausted > 0 && { tone: "bad" }),
							},
							{
								name: "Response time, 24 h",
								value: msOf(stats.totals.latencyMs.p50),
								detail: `p95 ${msOf(stats.totals.latencyMs.p95)} · p99 ${msOf(stats.totals.latencyMs.p99)}`,
							},
							{
								name: "Pending now",
								value: count(stats.deliveries.Pending),
								detail: <Since at={stats.waitingSince.Pending} />,
							},
							{
								name: "Held now",
								value: count(stats.deliveries.Held),
								...(stats.deliveries.Held > 0 && { tone: "warn" }),
								detail: <Since at={stats.waitingSince.Held} />,
							},
						]}
					/>
					<Bars
						goodWord="succeeded"
						badWord="exhausted"
						onRange={(from, before) =>
							void navigate({
								to: "/$projectId/deliveries",
								params: { projectId: project.id },
								search: { webhook: webhook.id, ...rangeSearch(from, before) },
							})
						}
						buckets={stats.data.map(({ start, succeeded, exhausted }) => ({ start, good: succeeded, bad: exhausted }))}
					/>
				</section>
			)}
			{stats !== undefined && (
				<FailureCauses projectId={project.id} totals={stats.totals} search={{ webhook: webhook.id, changed: "24h" }} />
			)}
			<div className="head">
				<h2 className="card-title">Latest deliveries</h2>
				<div className="head-rest">
					<Link
						className="link"
						to="/$projectId/deliveries"
						params={{ projectId: project.id }}
						search={{ webhook: webhook.id }}
					>
						All deliveries ›
					</Link>
				</div>
			</div>
			{latest.isPending && <TableSkeleton label="deliveries" columns={columns} rows={4} />}
			{latest.isError && (
				<Problem error={latest.error} what="The deliveries could not be loaded" onRetry={() => latest.refetch()} />
			)}
			{latest.isSuccess && rows.length === 0 && (
				<p className="dim">It has got nothing yet. Send a test above, or an event that it wants.</p>
			)}
			{rows.length > 0 && <Table label="Latest deliveries" columns={columns} rows={rows} keyOf={({ id }) => id} />}
		</div>
	);
}

function msOf(value: number | null): string {
	return value === null ? "–" : duration(value);
}
