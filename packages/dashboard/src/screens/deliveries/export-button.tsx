// Downloads all deliveries that match the filter, after saying how many that are.
import { Button, SegmentedControl } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";

import type { DeliveriesSearch } from "../../app/search.ts";
import { Confirm } from "../../parts/feedback/confirm.tsx";
import { useToast } from "../../parts/feedback/toasts.tsx";
import { count, counted } from "../../parts/text/format.ts";
import { useProject } from "../../session/caller.ts";
import { exportDeliveries, type ExportForm } from "./export-file.ts";
import { countQuery, filterOf } from "./queries.ts";

const FORMS: readonly { readonly value: ExportForm; readonly label: string }[] = [
	{ value: "csv", label: "CSV, for spreadsheets" },
	{ value: "jsonl", label: "JSON, one line each" },
];

export function ExportButton({ search }: { readonly search: DeliveriesSearch }) {
	const [isOpen, setOpen] = useState(false);
	const save = useDownload();
	return (
		<>
			<Button size="xs" variant="default" onClick={() => setOpen(true)}>
				Export…
			</Button>
			{isOpen && <ExportDialog search={search} onFile={save} onClose={() => setOpen(false)} />}
		</>
	);
}

interface ExportDialogProps {
	readonly search: DeliveriesSearch;
	readonly onFile: (file: Blob, name: string) => void;
	readonly onClose: () => void;
}

function ExportDialog({ search, onFile, onClose }: ExportDialogProps) {
	const project = useProject();
	const toast = useToast();
	const [form, setForm] = useState<ExportForm>("csv");
	const [written, setWritten] = useState(0);
	const [end] = useState(() => new AbortController());
	useEffect(() => () => end.abort(), [end]);
	const { data: matching } = useQuery(countQuery(project, search));
	const work = useMutation({
		mutationFn: () => {
			const options = { signal: end.signal, onProgress: setWritten };
			return exportDeliveries(project, filterOf(search, Date.now()), form, options);
		},
		onSuccess: ({ file, count }) => {
			onFile(file, `deliveries-${new Date().toISOString().slice(0, 19).replaceAll(":", "-")}.${form}`);
			toast(`${counted(count, "delivery is", "deliveries are")} in the file`);
			onClose();
		},
	});
	const total =
		matching === undefined
			? "all that match"
			: `${matching.complete ? "" : "more than "}${counted(matching.count, "delivery", "deliveries")}`;
	return (
		<Confirm
			isOpen
			title="Export all that match?"
			verb={`Export ${total}`}
			isBusy={work.isPending}
			error={work.error}
			onConfirm={() => work.mutate()}
			onClose={onClose}
		>
			<div className="stack tight">
				<SegmentedControl
					aria-label="Form of the file"
					data={[...FORMS]}
					value={form}
					disabled={work.isPending}
					onChange={(value) => setForm(value === "jsonl" ? value : "csv")}
				/>
				<p className="flat dim">
					State, last answer and times of each delivery, newest first, without payloads. Your browser saves the file.
				</p>
				{work.isPending && (
					<p className="flat num" role="status">
						{count(written)} so far. Close stops it.
					</p>
				)}
			</div>
		</Confirm>
	);
}

/** Returns the function that has the browser save a file. Its address is valid until the next one, or until the component is gone. */
function useDownload(): (file: Blob, name: string) => void {
	const address = useRef<string | null>(null);
	const revoke = () => {
		if (address.current !== null) URL.revokeObjectURL(address.current);
		address.current = null;
	};
	useEffect(() => revoke, []);
	return (file, name) => {
		revoke();
		address.current = URL.createObjectURL(file);
		const link = document.createElement("a");
		link.href = address.current;
		link.download = name;
		link.click();
	};
}
