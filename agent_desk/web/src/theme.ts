// Light or dark: as the machine says, until the person says otherwise.
import { ref, watchEffect } from 'vue'

const KEY = 'hotline-theme'
const machine = window.matchMedia('(prefers-color-scheme: dark)')

export const dark = ref(localStorage.getItem(KEY) ? localStorage.getItem(KEY) === 'dark' : machine.matches)

machine.addEventListener('change', (event) => {
  if (!localStorage.getItem(KEY)) dark.value = event.matches
})

watchEffect(() => document.documentElement.classList.toggle('dark', dark.value))

export function toggleTheme(): void {
  dark.value = !dark.value
  localStorage.setItem(KEY, dark.value ? 'dark' : 'light')
}
