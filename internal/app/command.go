package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"tollgate/internal/postgres"
	"tollgate/internal/price"
	"tollgate/internal/price/compile"
	"tollgate/internal/price/pricepg"
	"tollgate/internal/price/seed"
	"tollgate/internal/secret"
)

// Main runs one part as a process of its own: cmd/api, cmd/proxy, cmd/worker. It needs DATABASE_URL.
func Main(name string, parts ...Part) {
	os.Exit(execute(single(name, parts)))
}

// Tollgate is cmd/tollgate: everything in one process, and the command line.
func Tollgate() {
	root := &cobra.Command{
		Use: "tollgate", Short: "The AI gateway that teams share",
		SilenceUsage: true, SilenceErrors: true,
	}
	root.AddCommand(runCommand(), migrateCommand(), bootstrapCommand(), pricesCommand(), vendorsCommand(), budgetCommand(), keysCommand(), promptsCommand())
	root.AddCommand(routingCommands()...)
	os.Exit(execute(root))
}

// execute runs a command until it ends or the process is told to stop, and returns the exit status.
func execute(cmd *cobra.Command) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	err := cmd.ExecuteContext(ctx)
	if err == nil || errors.Is(err, context.Canceled) {
		return 0
	}
	code, own := 1, (*exit)(nil)
	if errors.As(err, &own) {
		code = own.code
	}
	if err.Error() != "" {
		fmt.Fprintln(os.Stderr, "tollgate:", err)
	}
	return code
}

// flags are the settings that the command line can override.
func flags(cmd *cobra.Command, cfg *Config) {
	f := cmd.Flags()
	f.StringVar(&cfg.Addr, "addr", cfg.Addr, "where the dashboard and the API listen (TOLLGATE_ADDR)")
	f.StringVar(&cfg.GatewayAddr, "gateway-addr", cfg.GatewayAddr, "where the gateway listens (TOLLGATE_GATEWAY_ADDR)")
	f.StringVar(&cfg.MetricsAddr, "metrics-addr", cfg.MetricsAddr, "where figures for Prometheus are served; empty: nowhere (TOLLGATE_METRICS_ADDR)")
	f.BoolVar(&cfg.SnapshotForce, "snapshot-force", cfg.SnapshotForce, "take the first configuration even when most keys have vanished from it (TOLLGATE_SNAPSHOT_FORCE)")
	f.StringVar(&cfg.DataDir, "data-dir", cfg.DataDir, "database, spool, snapshot and key (TOLLGATE_DATA_DIR)")
}

// withConfig is a command whose settings come from the environment and then from flags.
func withConfig(use, short string, run func(cmd *cobra.Command, cfg Config, log *slog.Logger) error) *cobra.Command {
	cfg, readErr := ReadConfig()
	cmd := &cobra.Command{
		Use: use, Short: short, Args: cobra.NoArgs, SilenceUsage: true, SilenceErrors: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checked(&cfg, readErr); err != nil {
				return err
			}
			return run(cmd, cfg, newLogger(cfg, cmd.ErrOrStderr()))
		},
	}
	flags(cmd, &cfg)
	return cmd
}

// checked says what is wrong with the settings: first those that cannot be read, then those that cannot work.
func checked(cfg *Config, readErr error) error {
	if readErr != nil {
		return readErr
	}
	return cfg.Check()
}

func newLogger(cfg Config, w io.Writer) *slog.Logger {
	opts := &slog.HandlerOptions{Level: cfg.LogLevel}
	if cfg.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, opts))
	}
	return slog.New(slog.NewTextHandler(w, opts))
}

// errNoDatabase is for processes that have no embedded database.
var errNoDatabase = fmt.Errorf("%w: DATABASE_URL is not set; only `tollgate run` brings a database of its own", ErrConfig)

func single(name string, parts []Part) *cobra.Command {
	return withConfig(name, "The "+name+" part of Tollgate as a process of its own", func(cmd *cobra.Command, cfg Config, log *slog.Logger) error {
		if cfg.DatabaseURL.Empty() {
			return errNoDatabase
		}
		return Run(cmd.Context(), cfg, cmd.OutOrStdout(), log, parts...)
	})
}

func runCommand() *cobra.Command {
	return withConfig("run", "Start everything: dashboard, API, gateway and worker", func(cmd *cobra.Command, cfg Config, log *slog.Logger) error {
		return Everything(cmd.Context(), cfg, cmd.OutOrStdout(), log)
	})
}

// Everything runs all parts in one process, over the embedded database unless DATABASE_URL names another, and migrates it first.
func Everything(ctx context.Context, cfg Config, out io.Writer, log *slog.Logger) error {
	if cfg.DatabaseURL.Empty() {
		own, err := startOwnDatabase(ctx, cfg, log)
		if err != nil {
			return err
		}
		defer own.Stop()
		cfg.DatabaseURL = secret.NewText(own.url)
	}
	if err := Migrate(ctx, cfg); err != nil {
		return err
	}
	return Run(ctx, cfg, out, log, API, Proxy, Worker)
}

func migrateCommand() *cobra.Command {
	return withConfig("migrate", "Bring the database of DATABASE_URL up to date", func(cmd *cobra.Command, cfg Config, _ *slog.Logger) error {
		if cfg.DatabaseURL.Empty() {
			return errNoDatabase
		}
		return Migrate(cmd.Context(), cfg)
	})
}

func pricesCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "prices", Short: "The price catalogue"}
	cmd.AddCommand(pricesImportCommand(), &cobra.Command{
		Use: "compile", Short: "Compile the shipped catalogue from public price files",
		DisableFlagParsing: true,
		RunE:               func(cmd *cobra.Command, args []string) error { return compile.Run(args, cmd.OutOrStdout()) },
	})
	return cmd
}

func pricesImportCommand() *cobra.Command {
	var format string
	var dryRun, verbose bool
	cfg, readErr := ReadConfig()
	cmd := &cobra.Command{
		Use: "import FILE", Args: cobra.ExactArgs(1),
		Short: "Make a price file the installation's prices from now on",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checked(&cfg, readErr); err != nil {
				return err
			}
			return importPrices(cmd.Context(), cfg, newLogger(cfg, cmd.ErrOrStderr()), args[0], format, dryRun, verbose, cmd.OutOrStdout())
		},
	}
	flags(cmd, &cfg)
	cmd.Flags().StringVar(&format, "format", "", "litellm, modelsdev or openrouter")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "report, change nothing")
	cmd.Flags().BoolVar(&verbose, "verbose", false, "list every row")
	return cmd
}

// importPrices works against DATABASE_URL, or against the embedded database of the data folder, also while `tollgate run` owns it.
func importPrices(ctx context.Context, cfg Config, log *slog.Logger, path, format string, dryRun, verbose bool, out io.Writer) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	opts := compile.Options{Mode: price.Apply, Verbose: verbose}
	if dryRun {
		opts.Mode = price.DryRun
	}
	return withDatabase(ctx, cfg, log, func(db *postgres.DB) error {
		shipped, err := seed.Records()
		if err != nil {
			return err
		}
		return compile.Import(ctx, format, f, price.NewService(pricepg.New(db), shipped, time.Now), opts, out)
	})
}
