"""`python -m localdapr` is `localdapr`."""

from localdapr.cli import main

if __name__ == "__main__":
    main()
