package main

import "github.com/spf13/cobra"

// addCommands adds the commands to the root, in the groups in which its help shows them.
func (a *app) addCommands(root *cobra.Command) {
	add := func(title string, commands ...*cobra.Command) {
		root.AddGroup(&cobra.Group{ID: title, Title: title + ":"})
		for _, c := range commands {
			c.GroupID = title
		}
		root.AddCommand(commands...)
	}
	add("Call a server",
		a.listToolsCommand(), a.callToolCommand(),
		a.listResourcesCommand(), a.listResourceTemplatesCommand(), a.readResourceCommand(),
		a.subscribeCommand(), a.unsubscribeCommand(), a.listenCommand(),
		a.listPromptsCommand(), a.getPromptCommand(), a.completeCommand(),
		a.listSkillsCommand(), a.getSkillCommand(), a.readSkillCommand(),
		a.startTaskCommand(), a.getTaskCommand(), a.waitTaskCommand(), a.updateTaskCommand(), a.cancelTaskCommand(), a.listTasksCommand(),
		a.setLoggingLevelCommand(), a.pingCommand(), a.replayCommand(),
	)
	add("Run scripts and plugins",
		a.runScriptCommand(), a.wakeCommand(), a.runFunctionCommand(), a.typesCommand(),
		a.pluginCommand(), a.runToolCommand(), a.componentCommand(),
	)
	add("Say what may be called",
		a.policyCommand(), a.pinsCommand(), a.scanCommand(), a.auditCommand(), a.authCommand(), a.trustCommand(),
	)
	add("Serve many servers", a.serveCommand(), a.daemonCommand())
	const own = "The program itself"
	add(own, a.demoCommand(), a.demoServerCommand(), a.cacheCommand(), a.versionCommand())
	root.SetHelpCommandGroupID(own)
	root.SetCompletionCommandGroupID(own)
}
