// Keys that work anywhere on a page, unless somebody is typing.
import { onMounted, onUnmounted } from 'vue'

export interface Shortcut {
  /** As KeyboardEvent.key names it. */
  keys: string[]
  label: string
  act: () => void
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName))
  )
}

export function useKeys(shortcuts: Shortcut[]): void {
  const listen = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return
    const found = shortcuts.find((one) => one.keys.includes(event.key))
    if (!found) return
    // Space on a button is that button's
    if (event.key === ' ' && event.target instanceof HTMLButtonElement) return
    event.preventDefault()
    found.act()
  }
  onMounted(() => window.addEventListener('keydown', listen))
  onUnmounted(() => window.removeEventListener('keydown', listen))
}
