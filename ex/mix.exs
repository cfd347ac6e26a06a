defmodule Drey.MixProject do
  use Mix.Project

  # The package is the OTP application `drey` of ../erl (src and priv are links to it) and the Elixir modules of
  # lib. It needs no other package to run, and so compiles where there is neither Hex nor a network.
  def project do
    [
      app: :drey,
      version: "0.1.0",
      elixir: "~> 1.14",
      description: "Bayesian inference (NUTS) on any Vulkan device, here or on the nodes of a cluster",
      start_permanent: Mix.env() == :prod,
      erlc_options: [:debug_info, :warnings_as_errors],
      package: [licenses: ["Apache-2.0"], links: %{}],
      docs: [main: "Drey"],
      deps: deps()
    ]
  end

  def application do
    [mod: {:drey_app, []}, registered: [:drey, :drey_sup], extra_applications: [:logger, :crypto]]
  end

  defp deps do
    if Code.ensure_loaded?(Hex) and System.get_env("DREY_OFFLINE") not in ["1", "true"] do
      [{:ex_doc, "~> 0.31", only: :dev, runtime: false}]
    else
      []
    end
  end
end
