// What is over the screen until it is closed: a dialog in the window, or a drawer at its side. It has the focus meanwhile, and what is beneath
// does not scroll. Those of Mantine take 7 KB more of the first load, and insert styles for which the policy of the page needs a nonce.
import { CloseButton, FocusTrap, Portal, Transition } from "@mantine/core";
import { useFocusReturn, useId, useWindowEvent } from "@mantine/hooks";
import { useLayoutEffect, useRef, type CSSProperties, type ReactNode, type RefObject } from "react";

export interface DialogProps {
	readonly isOpen: boolean;
	readonly title: string;
	readonly onClose: () => void;
	/** A drawer at this side. If omitted, a dialog in the window. */
	readonly side?: "left" | "right";
	/** Defaults to 27.5rem. Narrow windows have less. */
	readonly width?: string;
	/** The distance of a dialog from the top of the window. If omitted, it is in the middle. */
	readonly top?: string;
	/** Whether it has little room around its content. */
	readonly isTight?: boolean;
	/** Above others. */
	readonly isOnTop?: boolean;
	readonly hasCloseButton?: boolean;
	readonly closesOnEscape?: boolean;
	/** Whether a click beside it closes it. */
	readonly closesOnClick?: boolean;
	readonly children: ReactNode;
}

const FADE_MS = 200;
const SLIDE_MS = 250;

export function Dialog(props: DialogProps) {
	const { isOpen, side, closesOnEscape = true, closesOnClick = true, isOnTop, onClose } = props;
	const place = useRef<HTMLDivElement>(null);
	useWindowEvent(
		"keydown",
		(event) => {
			if (event.key !== "Escape" || !isOpen || event.isComposing || !isUppermost(place.current)) return;
			// It is for what is open inside, such as the options of a field.
			const { target } = event;
			if (target instanceof Element && target.getAttribute("data-mantine-stop-propagation") === "true") return;
			if (!closesOnEscape) return;
			// Not for the dialog beneath as well, nor for the screen.
			event.stopImmediatePropagation();
			onClose();
		},
		{ capture: true },
	);
	useFocusReturn({ opened: isOpen });
	const layer = isOnTop === true ? "on-top" : undefined;
	return (
		<Portal>
			<Transition mounted={isOpen} duration={FADE_MS} transition="fade">
				{(style) => (
					// The keyboard has Escape.
					<div
						className="dialog-shade"
						role="presentation"
						data-layer={layer}
						inert={!isOpen}
						style={style}
						onClick={closesOnClick && isOpen ? onClose : undefined}
					/>
				)}
			</Transition>
			<Transition
				mounted={isOpen}
				duration={side === undefined ? FADE_MS : SLIDE_MS}
				transition={side === undefined ? "fade-down" : side === "left" ? "slide-right" : "slide-left"}
			>
				{(style) => <Box {...props} place={place} layer={layer} style={style} />}
			</Transition>
		</Portal>
	);
}

interface BoxProps extends DialogProps {
	readonly place: RefObject<HTMLDivElement | null>;
	readonly layer: string | undefined;
	/** Of the moment of its transition. */
	readonly style: CSSProperties;
}

/** It is there while the dialog is seen, also while it fades away. */
function Box(props: BoxProps) {
	const { isOpen, title, side, width, top, isTight, hasCloseButton = true, onClose, children } = props;
	const { place, layer, style } = props;
	const id = useId();
	useLayoutEffect(lockScroll, []);
	return (
		<div
			ref={place}
			className="dialog-place"
			data-side={side}
			data-top={top !== undefined || undefined}
			data-layer={layer}
			// What fades away takes no keys and clicks any more.
			inert={!isOpen}
		>
			<FocusTrap active={isOpen}>
				<section
					className="dialog"
					role="dialog"
					tabIndex={-1}
					aria-modal
					aria-labelledby={`${id}-title`}
					aria-describedby={`${id}-body`}
					data-tight={isTight === true || undefined}
					style={{ ...variables({ "--width": width, "--top": top }), ...style }}
				>
					<div className="dialog-head">
						<h2 id={`${id}-title`}>{title}</h2>
						{hasCloseButton && <CloseButton aria-label="Close" onClick={onClose} />}
					</div>
					<div className="dialog-body" id={`${id}-body`}>
						{children}
					</div>
				</section>
			</FocusTrap>
		</div>
	);
}

function variables(values: Readonly<Record<`--${string}`, string | undefined>>): CSSProperties {
	return values;
}

/** Whether a dialog is the one above all others that are open: the last one in the document, but for those that are always on top. */
function isUppermost(place: Element | null): boolean {
	const open = [...document.querySelectorAll(".dialog-place:not([inert])")];
	return place === null || place === (open.findLast(isLayered) ?? open.at(-1));
}

function isLayered(place: Element): boolean {
	return place.hasAttribute("data-layer");
}

/** Whether a dialog with `isOnTop` is open. */
export function hasDialogOnTop(): boolean {
	return document.querySelector(".dialog-place[data-layer]:not([inert])") !== null;
}

/** Keeps the page where it is, as wide as it is with its scrollbar. The document counts who wants that. Returns what ends it. */
function lockScroll(): () => void {
	const root = document.documentElement;
	const { style, dataset } = root;
	const count = () => Number(dataset["dialogs"] ?? 0);
	if (count() === 0) style.setProperty("--scrollbar", `${Math.max(0, innerWidth - root.clientWidth)}px`);
	dataset["dialogs"] = String(count() + 1);
	return () => {
		if (count() > 1) dataset["dialogs"] = String(count() - 1);
		else delete dataset["dialogs"];
	};
}
