// The columns of the audit log, here and in the history of one thing.
import type { AuditEntry } from "@fanfare/sdk";

import type { Column } from "../../parts/layout/table.tsx";
import { CopyButton } from "../../parts/text/copy.tsx";
import { Time } from "../../parts/text/time.tsx";
import { wordsOf } from "./actions.ts";
import { What, Who } from "./names.tsx";

export function auditColumns(): Column<AuditEntry>[] {
	return [
		{ name: "When", width: "10rem", phone: "beside", cell: ({ createDate }) => <Time at={createDate} /> },
		{ name: "Who", width: "minmax(8rem, 1fr)", cell: (entry) => <Who entry={entry} /> },
		{
			name: "What",
			width: "minmax(14rem, 2fr)",
			phone: "whole",
			cell: (entry) => (
				<div className="wrap">
					{wordsOf(entry.action)} <What entry={entry} />
				</div>
			),
		},
		{
			name: "Fields",
			width: "minmax(8rem, 1.2fr)",
			phone: "whole",
			cell: ({ fields }) =>
				fields.length === 0 ? (
					<span className="dim none">–</span>
				) : (
					<span className="pills">
						{fields.map((field) => (
							<span key={field} className="pill mono">
								{field}
							</span>
						))}
					</span>
				),
		},
		{
			name: "Request",
			isRoomy: true,
			width: "4rem",
			phone: "hide",
			cell: ({ requestId }) =>
				requestId === null ? (
					<span className="dim none">–</span>
				) : (
					<CopyButton text={requestId} label={`Copy ${requestId}`} />
				),
		},
	];
}
