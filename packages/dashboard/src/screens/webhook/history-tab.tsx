// What was changed about a webhook, by whom: its entries of the audit log. Only for keys that may read that.
import { Link } from "@tanstack/react-router";

import { Problem } from "../../parts/feedback/problem.tsx";
import { ListFoot } from "../../parts/layout/list-foot.tsx";
import { Table, TableSkeleton } from "../../parts/layout/table.tsx";
import { usePages } from "../../parts/list/use-pages.ts";
import { useProject } from "../../session/caller.ts";
import { auditColumns } from "../audit/columns.tsx";
import { auditQuery, useAuditLog } from "../audit/queries.ts";

export function HistoryTab({ webhookId }: { readonly webhookId: string }) {
	const { id: projectId } = useProject();
	const list = usePages(auditQuery(useAuditLog(), { object: webhookId }));
	const { query, rows, error } = list;
	return (
		<section className="stack tight" aria-label="History">
			<div className="head">
				<h2 className="card-title">What was changed</h2>
				<div className="head-rest">
					<Link className="link" to="/$projectId/audit" params={{ projectId }} search={{ object: webhookId }}>
						In the audit log ›
					</Link>
				</div>
			</div>
			{error !== null && (
				<Problem error={error} what="The history could not be loaded" onRetry={() => query.refetch()} />
			)}
			{rows === undefined && error === null && <TableSkeleton label="the history" columns={auditColumns()} rows={4} />}
			{rows?.length === 0 && !query.hasNextPage && (
				<p className="dim">Nothing that is still in the audit log. It also has what the server does by itself.</p>
			)}
			{rows !== undefined && (rows.length > 0 || query.hasNextPage) && (
				<Table
					label="History of the webhook"
					columns={auditColumns()}
					rows={rows}
					keyOf={({ id }) => id}
					near={list.near}
					foot={<ListFoot key={list.key} list={list} shown={rows.length} />}
				/>
			)}
		</section>
	);
}
