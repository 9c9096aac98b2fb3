import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vite'

export default defineConfig({
  plugins: [vue()],
  // beside the server that serves it; the wheel takes it from there
  build: { outDir: '../static', emptyOutDir: true, chunkSizeWarningLimit: 1500 },
})
