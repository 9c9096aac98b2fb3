import 'element-plus/dist/index.css'
import 'element-plus/theme-chalk/dark/css-vars.css'
import './style.css'
import './theme'
import { createApp } from 'vue'
import AppShell from './AppShell.vue'
import { router } from './router'

createApp(AppShell).use(router).mount('#app')
