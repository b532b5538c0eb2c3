/** Stands for the tool of that name in the browser's page, where Chromium brings its own driver. */
export const useSoftwareVulkan = (): void => undefined
